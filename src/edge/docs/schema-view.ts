// A JSON Schema in words.

import type { Schema } from '../openapi/types.ts';
import { html, type Html } from './html.ts';
import { tableView } from './table-view.ts';

/** What a value is, in one line: `string`, `list of MixEntry`, `1 or 2`. */
export function typeOf(schema: Schema): Html {
  if (schema.$ref !== undefined) return reference(schema.$ref);
  if (schema.const !== undefined) return html`<code>${JSON.stringify(schema.const)}</code>`;
  if (schema.enum !== undefined) return join(schema.enum.map((value) => html`<code>${JSON.stringify(value)}</code>`));
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices !== undefined) return join(choices.map(typeOf));
  if (schema.allOf !== undefined) return join(schema.allOf.slice(0, 1).map(typeOf));
  if (schema.type === 'array') return html`list of ${isSchema(schema.items) ? typeOf(schema.items) : 'anything'}`;
  if (schema.contentSchema !== undefined) return html`lines of ${typeOf(schema.contentSchema)}`;
  if (typeof schema.type === 'object') return join(schema.type.map((type) => html`${type}`));
  if (schema.type !== 'object') return html`${schema.type ?? 'anything'}`;
  const { properties, additionalProperties } = schema;
  if (properties === undefined && isSchema(additionalProperties)) return html`map of ${typeOf(additionalProperties)}`;
  return html`object`;
}

/** What else has to hold, such as `1 to 64` and a pattern. */
export function limitsOf(schema: Schema): Html {
  const { minimum, maximum, minLength, maxLength, minItems, maxItems, pattern, format } = schema;
  const facts = [
    range(minimum, maximum, ''),
    range(minLength, maxLength, ' characters'),
    range(minItems, maxItems, ' items'),
    schema.default === undefined ? undefined : html`default <code>${JSON.stringify(schema.default)}</code>`,
    format === undefined || pattern !== undefined ? undefined : html`${format}`,
    pattern === undefined ? undefined : html`<code>${pattern}</code>`,
  ];
  return join(
    facts.flatMap((fact) => fact ?? []),
    ', ',
  );
}

/** A schema's fields, those of its lists and objects beneath them; nothing for what has none. */
export function fieldsOf(schema: Schema): Html {
  const rows = rowsOf(schema, '');
  if (rows.length === 0) return html`<p>${typeOf(schema)} <span class="dim">${limitsOf(schema)}</span></p>`;
  return tableView(['Field', 'Type', 'Limits'], rows);
}

function rowsOf(schema: Schema, prefix: string): readonly Html[] {
  const choices = [...(schema.anyOf ?? []), ...(schema.oneOf ?? [])].filter(({ properties }) => properties !== undefined);
  if (choices.length > 0)
    return choices.flatMap((choice, i) => [
      ...(i === 0
        ? []
        : [
            html`<tr>
              <td colspan="3" class="dim">or</td>
            </tr>`,
          ]),
      ...rowsOf(choice, prefix),
    ]);
  return Object.entries(schema.properties ?? {}).flatMap(([name, property]) => {
    const required = schema.required?.includes(name) === true;
    const row = html`<tr>
      <td><code>${prefix}${name}</code>${required ? html` <span class="dim">required</span>` : undefined}</td>
      <td>${typeOf(property)}</td>
      <td class="dim">${limitsOf(property)}</td>
    </tr>`;
    return [
      row,
      ...rowsOf(property, `${prefix}${name}.`),
      ...(isSchema(property.items) ? rowsOf(property.items, `${prefix}${name}[].`) : []),
    ];
  });
}

function reference($ref: string): Html {
  const name = $ref.slice($ref.lastIndexOf('/') + 1);
  return html`<a href="#schema-${name}">${name}</a>`;
}

function range(low: number | undefined, high: number | undefined, unit: string): Html | undefined {
  // What JSON can hold of a whole number is no limit of ours.
  const top = high === undefined || high >= Number.MAX_SAFE_INTEGER ? undefined : high;
  const bottom = low === undefined || low <= Number.MIN_SAFE_INTEGER ? undefined : low;
  if (bottom === undefined && top === undefined) return undefined;
  if (top === undefined) return html`at least ${bottom}${unit}`;
  return bottom === undefined ? html`at most ${top}${unit}` : html`${bottom} to ${top}${unit}`;
}

function join(parts: readonly Html[], separator = ' or '): Html {
  return html`${parts.flatMap((part, i) => (i === 0 ? [part] : [separator, part]))}`;
}

function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null;
}

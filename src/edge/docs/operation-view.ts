// One operation of the documentation page.

import type { Content, Operation } from '../openapi/types.ts';
import { html, type Html } from './html.ts';
import { limitsOf, typeOf } from './schema-view.ts';
import { tableView } from './table-view.ts';

/** Where an operation is called. */
export interface Place {
  readonly method: string;
  readonly path: string;
  /** Origin of the deployment. */
  readonly origin: string;
}

/** Ways in, by the names of their security schemes. */
const NEEDS: Readonly<Record<string, string>> = { key: "an account's key", root: 'the root secret', payment: 'a payment by x402' };

/** The operation with its parameters, bodies, answers and a line to try. */
export function operationView(operation: Operation, place: Place): Html {
  const { operationId, summary, description, security, parameters, requestBody, responses } = operation;
  const needs = (security ?? []).flatMap((way) => Object.keys(way)).map((scheme) => NEEDS[scheme] ?? scheme);
  return html`<section aria-labelledby="${operationId}">
    <h3 id="${operationId}"><span class="method ${place.method}">${place.method}</span> <code>${place.path}</code></h3>
    <p>${summary}.${description === undefined ? undefined : html` ${description}`}</p>
    ${needs.length === 0 ? undefined : html`<p class="dim">Needs ${needs.join(' or ')}.</p>`} ${parametersView(parameters)}
    ${
      requestBody === undefined
        ? undefined
        : html`<h4>Body</h4>
            ${bodyView(requestBody.content)}`
    }
    <h4>Answers</h4>
    ${answersView(responses)}
    <h4>Try it</h4>
    <pre><code>${curl(operation, place)}</code></pre>
  </section>`;
}

function parametersView(parameters: Operation['parameters']): Html | undefined {
  if (parameters.length === 0) return undefined;
  return html`<details ${parameters.some(({ required }) => required) ? 'open' : undefined}>
    <summary>Parameters and headers</summary>
    ${tableView(
      ['Name', 'In', 'Type', 'What it does'],
      parameters.map(
        (parameter) =>
          html`<tr>
            <td><code>${parameter.name}</code>${parameter.required ? html` <span class="dim">required</span>` : undefined}</td>
            <td>${parameter.in}</td>
            <td>${typeOf(parameter.schema)} <span class="dim">${limitsOf(parameter.schema)}</span></td>
            <td>${parameter.description}</td>
          </tr>`,
      ),
    )}
  </details>`;
}

function bodyView(content: Content): Html {
  return html`${Object.entries(content).map(
    ([type, { schema, examples = {} }]) =>
      html`<p><code>${type}</code>: ${typeOf(schema)}</p>
        ${Object.entries(examples).map(([name, { value }]) => html`<pre aria-label="Example: ${name}"><code>${JSON.stringify(value, null, 1)}</code></pre>`)}`,
  )}`;
}

function answersView(responses: Operation['responses']): Html {
  return tableView(
    ['Status', 'Body', 'When'],
    Object.entries(responses).map(
      ([status, { description, content }]) =>
        html`<tr>
          <td>${status}</td>
          <td>
            ${Object.entries(content).map(([type, { schema }]) => html`<div>${typeOf(schema)} <span class="dim">${type}</span></div>`)}
          </td>
          <td>${description}</td>
        </tr>`,
    ),
  );
}

/** A command line that asks it. */
function curl({ security, requestBody }: Operation, { method, path, origin }: Place): string {
  const scheme = Object.keys(security?.[0] ?? {})[0];
  const body = Object.values(requestBody?.content['application/json']?.examples ?? {})[0]?.value;
  const lines = [
    `curl -s ${method === 'get' ? '' : `-X ${method.toUpperCase()} `}'${origin}${path}'`,
    ...(scheme === undefined ? [] : [`  -H 'authorization: Bearer ${scheme === 'root' ? 'ROOT_SECRET' : 'KEY'}'`]),
    ...(requestBody === undefined
      ? []
      : ["  -H 'content-type: application/json'", `  -d '${JSON.stringify(body ?? {}).replaceAll("'", String.raw`'\''`)}'`]),
  ];
  return lines.join(' \\\n');
}

// The YAML of a search: a config of `build` or `merge` with a section `search`, and the configs that its points stand for.

import * as z from 'zod/mini';
import { parseConfig, type NamedConfig } from '../../build/read-config.ts';
import { readYaml } from '../../build/read-yaml.ts';
import { resolveShared } from '../../build/resolve-shared.ts';
import { BuildConfig } from '../../contract/build-config.ts';
import { SearchConfig, type Range } from '../../contract/search-config.ts';
import { parseWith } from '../../contract/parse.ts';
import { TwinrouteError } from '../../core/errors.ts';
import type { ParameterTable } from '../../core/merge/method.ts';
import { staticMethod } from '../../core/merge/registry.ts';
import { checkSpace, valuesOf, type Dimension } from '../../core/search/space.ts';

/** An object of a YAML file. */
type Fields = Record<string, unknown>;

/** A search as its file has it. */
export interface SearchFile {
  /** Its path. */
  readonly file: string;
  /** The config without the section `search`. */
  readonly raw: Readonly<Fields>;
  readonly search: SearchConfig;
  readonly space: readonly Dimension[];
}

/**
 * Parses a search file and tries the ends of its space, so that a path that leads nowhere is found before the work.
 * @throws {TwinrouteError} `config` naming the field
 */
export function readSearch(text: string, file: string): SearchFile {
  const value = readYaml(text, file);
  if (!isFields(value) || value['search'] === undefined)
    throw new TwinrouteError('config', `${file}: expected a config with a section "search", got none`, { param: 'search' });
  const { search: section, ...raw } = value;
  const search = parseWith(SearchConfig, section, `${file}: search`, 'config');
  const space = Object.entries(search.space).map(([name, range]) => dimensionOf(name, range));
  checkSpace(space);
  const parsed = { file, raw, search, space };
  for (const end of [0, 1])
    resolveShared(
      configOf(
        parsed,
        valuesOf(
          space,
          space.map(() => end),
        ),
      ),
    );
  return parsed;
}

/** The config with values of its space, as its author would write it. */
export function withValues({ raw, space }: Pick<SearchFile, 'raw' | 'space'>, values: readonly number[]): Fields {
  const config = structuredClone({ ...raw });
  for (const [i, { name }] of space.entries()) setPath(config, name, values[i]);
  return config;
}

/**
 * The config with values of its space as a build has it. A static method becomes the shared model of a Twin whose experts nobody asks.
 * @throws {TwinrouteError} `config` naming the field; `unsupported` for what only `merge` can do
 */
export function configOf(search: Pick<SearchFile, 'raw' | 'space' | 'file'>, values: readonly number[]): NamedConfig {
  const config = withValues(search, values);
  return parseConfig(isStatic(config) ? asTwin(config, search.file) : config, search.file);
}

/** Whether the config is one of `merge`: of a method that makes no pack. */
export function isStatic(config: Readonly<Fields>): boolean {
  return !z.safeParse(BuildConfig.shape.merge_method, config['merge_method']).success;
}

function dimensionOf(name: string, range: Range): Dimension {
  if (!('min' in range)) return { name, min: range[0], max: range[1], log: false, integer: false };
  return { name, min: range.min, max: range.max, log: range.scale === 'log', integer: range.integer };
}

/** What only `merge` knows. */
const MERGE_ONLY = ['slices', 'tokenizer', 'tokenizer_source', 'out_dtype'];

function asTwin(config: Readonly<Fields>, file: string): Fields {
  const { merge_method: name, parameters, base_model, models, dtype } = config;
  const known = MERGE_ONLY.find((key) => config[key] !== undefined && config[key] !== null);
  const method = staticMethod(String(name));
  if (known !== undefined || method.base === 'end') {
    throw new TwinrouteError(
      'unsupported',
      `${file}: expected a merge of whole models about a base, got one with ${known ?? `merge_method ${method.name}`}`,
      { param: known ?? 'merge_method' },
    );
  }
  // Where a mergekit file is silent, mergekit's defaults hold.
  const defaults = (table: ParameterTable): [string, number][] =>
    Object.entries(table).flatMap(([key, { mergekit }]) => (mergekit === undefined ? [] : [[key, mergekit]]));
  const shared = {
    ...Object.fromEntries(
      flags({ ...method.parameters, ...method.expertParameters }, [...defaults(method.parameters), ...defaults(method.expertParameters)]),
    ),
    ...(isFields(parameters) ? parameters : {}),
    method: method.name,
  };
  return { merge_method: 'twin', base_model, models, parameters: { shared, rank: 1 }, ...(typeof dtype === 'string' && { dtype }) };
}

/** Flags as true and false. */
function flags(table: ParameterTable, entries: readonly [string, number][]): [string, number | boolean][] {
  return entries.map(([key, value]) => [key, table[key].flag === true ? value === 1 : value]);
}

/** Puts a value where a path leads; what is missing on the way is made. */
function setPath(config: Fields, path: string, value: number): void {
  const models: unknown = config['models'];
  if (!path.startsWith('models.') || !Array.isArray(models)) return setFields(config, path, path.split('.'), value);
  // A model's name may have dots in it.
  const rest = path.slice('models.'.length);
  const model: unknown = models.find((candidate: unknown) => isFields(candidate) && rest.startsWith(`${nameOf(candidate)}.`));
  if (!isFields(model))
    throw new TwinrouteError(
      'config',
      `search.space.${path}: expected the name of a model after "models.", got none of ${models.map(nameOf).join(', ')}`,
      { param: `search.space.${path}` },
    );
  return setFields(model, path, rest.slice(nameOf(model).length + 1).split('.'), value);
}

function setFields(fields: Fields, path: string, keys: readonly string[], value: number): void {
  const [key, ...rest] = keys;
  if (key === '' || key === '__proto__')
    throw new TwinrouteError('config', `search.space.${path}: expected names with dots between, got an empty one`, {
      param: `search.space.${path}`,
    });
  if (rest.length === 0) {
    fields[key] = value;
    return;
  }
  const inner = fields[key];
  // `shared: ties` is short for `shared: { method: ties }`.
  const next: Fields = isFields(inner) ? inner : typeof inner === 'string' ? { method: inner } : {};
  fields[key] = next;
  setFields(next, path, rest, value);
}

function nameOf(model: unknown): string {
  if (!isFields(model)) return '';
  const { name, model: folder } = model;
  return typeof name === 'string'
    ? name
    : (String(folder)
        .split('/')
        .findLast((part) => part !== '') ?? '');
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

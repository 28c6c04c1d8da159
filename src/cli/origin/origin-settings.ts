// Settings of an origin from four places: a flag before an environment variable before a file before the default.

import { readFile } from 'node:fs/promises';
import { readYaml } from '../../build/read-yaml.ts';
import { TwinrouteError, type ErrorCode } from '../../core/errors.ts';
import { nearestName } from '../../core/nearest-name.ts';
import { EffectiveOriginConfig, ORIGIN_DEFAULTS, ORIGIN_SETTINGS, OriginConfig, type OriginSetting } from '../../contract/origin-config.ts';
import { parseWith } from '../../contract/parse.ts';
import { textOption } from '../options.ts';
import type { Io, OptionSpec, Values } from '../verb.ts';

/** In front of a setting's name in capitals. */
const PREFIX = 'TWINROUTE_ORIGIN_';
/** The variable that names the file. */
const FILE_VARIABLE = `${PREFIX}CONFIG`;
const SETTINGS: readonly (readonly [string, OriginSetting])[] = Object.entries(ORIGIN_SETTINGS);
const KNOWN: ReadonlyMap<string, OriginSetting> = new Map(SETTINGS);

/** Settings that hold, and where each one is from. */
export interface EffectiveSettings {
  readonly config: EffectiveOriginConfig;
  readonly sources: ReadonlyMap<string, string>;
}

/** The options of the verb: a flag for every setting that is no secret. */
export const ORIGIN_OPTIONS: Readonly<Record<string, OptionSpec>> = {
  config: { type: 'string', help: `YAML file of these settings (with _ for -), $${FILE_VARIABLE}; each also as $${PREFIX}<SETTING>` },
  'print-config': { type: 'boolean', help: 'print the settings that hold and where they are from, without secrets, and end' },
  ...Object.fromEntries(
    SETTINGS.flatMap(([key, { help, secret }]) =>
      secret === true || key === 'packs' ? [] : [[flagOf(key), { type: 'string', help: withDefault(key, help) }]],
    ),
  ),
};

/**
 * The settings.
 * @throws {TwinrouteError} `usage` for a flag, `config` for a variable or a line of the file that is unknown or does not fit
 */
export async function readOriginSettings(positionals: readonly string[], values: Values, env: Io['env']): Promise<EffectiveSettings> {
  const file = textOption(values, 'config') ?? env[FILE_VARIABLE];
  const layers: readonly (readonly [string, OriginConfig])[] = [
    ['default', ORIGIN_DEFAULTS],
    ...(file === undefined ? [] : [[file, await readConfigFile(file)] as const]),
    ['environment', parseTexts(variablesOf(env), 'environment', 'config')],
    ['flag', { ...parseTexts(flagsOf(values), 'flags', 'usage'), ...(positionals.length > 0 && { packs: [...positionals] }) }],
  ];
  const sources = new Map<string, string>();
  for (const [source, layer] of layers) for (const key of Object.keys(layer)) sources.set(key, source);
  const merged = layers.reduce<OriginConfig>((all, [, layer]) => ({ ...all, ...layer }), {});
  return { config: parseWith(EffectiveOriginConfig, merged, 'settings', 'config'), sources };
}

/** Lines of YAML, each with where it is from; secrets are told to be set. */
export function describeSettings({ config, sources }: EffectiveSettings): readonly string[] {
  return settingRows({ config, sources }).map(([key, value, source]) => `${key}: ${JSON.stringify(value)} # ${source}`);
}

/** The same for programs. */
export function settingRows({ config, sources }: EffectiveSettings): readonly (readonly [string, unknown, string])[] {
  return Object.entries(config).map(([key, value]) => [key, KNOWN.get(key)?.secret === true ? '(set)' : value, sources.get(key) ?? '']);
}

async function readConfigFile(file: string): Promise<OriginConfig> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    throw new TwinrouteError('config', `${file}: expected a file of settings, got one that cannot be read`, { cause, param: 'config' });
  }
  const value: unknown = readYaml(text, file) ?? {};
  if (typeof value === 'object' && value !== null) for (const key of Object.keys(value)) expectKnown(key, file, 'config', (known) => known);
  return parseWith(OriginConfig, value, file, 'config');
}

function flagsOf(values: Values): Record<string, string> {
  return Object.fromEntries(
    SETTINGS.flatMap(([key]) => {
      const text = textOption(values, flagOf(key));
      return text === undefined ? [] : [[key, text]];
    }),
  );
}

function variablesOf(env: Io['env']): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [name, text] of Object.entries(env)) {
    if (!name.startsWith(PREFIX) || name === FILE_VARIABLE || text === undefined || isServiceLink(name, text)) continue;
    const key = name.slice(PREFIX.length).toLowerCase();
    expectKnown(key, name, 'config', (known) => `${PREFIX}${known.toUpperCase()}`);
    found[key] = text;
  }
  return found;
}

/** Kubernetes tells every container of the services beside it in variables that start with their names, and a service may well be called twinroute-origin. */
function isServiceLink(name: string, text: string): boolean {
  return (
    /_SERVICE_(?:HOST|PORT(?:_\w+)?)$|_PORT_\d+_(?:TCP|UDP|SCTP)/.test(name) || (name.endsWith('_PORT') && /^(?:tcp|udp|sctp):/.test(text))
  );
}

function expectKnown(key: string, title: string, code: ErrorCode, spell: (known: string) => string): void {
  if (KNOWN.has(key)) return;
  const nearest = nearestName(key, KNOWN.keys());
  const hint = nearest === undefined ? `expected one of ${[...KNOWN.keys()].map(spell).join(', ')}` : `did you mean ${spell(nearest)}?`;
  throw new TwinrouteError(code, `${title}: unknown setting "${key}"; ${hint}`, { param: key });
}

function parseTexts(texts: Readonly<Record<string, string>>, title: string, code: ErrorCode): OriginConfig {
  const raw = Object.fromEntries(Object.entries(texts).map(([key, text]) => [key, READ[KNOWN.get(key)?.kind ?? 'text'](text)]));
  return parseWith(OriginConfig, raw, title, code);
}

/** Texts as values; what is no number stays a text, which the schema refuses. */
const READ: Readonly<Record<OriginSetting['kind'], (text: string) => unknown>> = {
  text: (text) => text,
  integer: (text) => (/^\d{1,15}$/.test(text) ? Number(text) : text),
  list: (text) => text.split(','),
};

function flagOf(key: string): string {
  return key.replaceAll('_', '-');
}

function withDefault(key: string, help: string): string {
  const defaults: Readonly<Record<string, unknown>> = ORIGIN_DEFAULTS;
  return Object.hasOwn(defaults, key) ? `${help}; ${String(defaults[key])}` : help;
}

// YAML files that people write.

import { LineCounter, parseDocument } from 'yaml';
import { TwinrouteError } from '../core/errors.ts';

/** A config of a thousand experts is far smaller. */
const MAX_YAML_BYTES = 4 << 20;

/**
 * The value of a YAML text.
 * @param file its path, for messages
 * @throws {TwinrouteError} `config` naming the line
 */
export function readYaml(text: string, file: string): unknown {
  if (text.length > MAX_YAML_BYTES)
    throw new TwinrouteError('config', `${file}: expected at most ${MAX_YAML_BYTES} characters, got ${text.length}`);
  const document = parseDocument(text, { lineCounter: new LineCounter(), prettyErrors: true });
  const [problem] = document.errors;
  if (problem !== undefined) throw new TwinrouteError('config', `${file}: ${problem.message}`);
  return document.toJS({ maxAliasCount: 100 });
}

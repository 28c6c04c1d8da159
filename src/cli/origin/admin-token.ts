// The operator's token, from a variable or a file.

import { readFile } from 'node:fs/promises';
import { TwinrouteError } from '../../core/errors.ts';
import { OriginConfig } from '../../contract/origin-config.ts';
import { parseWith } from '../../contract/parse.ts';

/**
 * The token; undefined when none is given. The file's last line break is no part of it.
 * @throws {TwinrouteError} `config` for a file that cannot be read, and for a token that is short enough to be guessed
 */
export async function readAdminToken({ admin_token: token, admin_token_file: file }: OriginConfig): Promise<string | undefined> {
  if (file === undefined) return token;
  if (token !== undefined)
    throw new TwinrouteError('config', 'expected admin_token or admin_token_file, got both', { param: 'admin_token' });
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    throw new TwinrouteError('config', `${file}: expected a file with a token, got one that cannot be read`, {
      cause,
      param: 'admin_token_file',
    });
  }
  return parseWith(OriginConfig, { admin_token: text.replace(/\r?\n$/, '') }, file, 'config').admin_token;
}

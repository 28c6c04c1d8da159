// The keys that an origin's operator gives it.

import { readFile } from 'node:fs/promises';
import { TwinrouteError } from '../core/errors.ts';
import { openKeyRing } from '../formats/signing/key-ring.ts';
import { openReceiptBook } from '../origin/receipt-book.ts';
import type { Trust } from '../origin/signed-requests.ts';
import { textOption } from './options.ts';
import type { Io, Values } from './verb.ts';

/** Variable with the text of a key file, for machines whose secrets are no files. */
const KEYS_VARIABLE = 'TWINROUTE_SIGNING_KEYS';

/**
 * Trust from `--trust FILE`, else from the environment; undefined when neither is given.
 * @throws {TwinrouteError} `config` when it is no key set; `usage` for an authority or a folder for receipts without keys
 */
export async function openTrust(values: Values, { env, log }: Pick<Io, 'env' | 'log'>): Promise<Trust | undefined> {
  const file = textOption(values, 'trust');
  const authority = textOption(values, 'authority');
  const text = file === undefined ? env[KEYS_VARIABLE] : await readKeyFile(file);
  const folder = textOption(values, 'receipts');
  if (text !== undefined) {
    const keys = await openKeyRing(text, file ?? KEYS_VARIABLE);
    return { keys, authority, now: Date.now, book: folder === undefined ? undefined : openReceiptBook(folder, { now: Date.now, log }) };
  }
  if (folder !== undefined) throw new TwinrouteError('usage', 'expected --trust beside --receipts, got none', { param: 'receipts' });
  if (authority !== undefined) throw new TwinrouteError('usage', 'expected --trust beside --authority, got none', { param: 'authority' });
  return undefined;
}

async function readKeyFile(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new TwinrouteError('config', `${file}: expected a key file, got one that cannot be read`, { cause, param: 'trust' });
  }
}

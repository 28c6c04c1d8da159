// The keys of those who may publish: new ones, and a set ready to use.

import * as z from 'zod/mini';
import { PublishKeySet } from '../../contract/publish-keys.ts';
import { TwinrouteError } from '../../core/errors.ts';
import { toBase64url } from './base64url.ts';
import { generatePair } from './generate-keys.ts';
import { importRing, type KeyRing } from './key-ring.ts';

/** A pair as two files: the publisher's, which is secret, and the edge's. */
export async function generatePublishKeys(): Promise<{ readonly publisher: PublishKeySet; readonly edge: PublishKeySet }> {
  const pair = await generatePair(`publish-${toBase64url(crypto.getRandomValues(new Uint8Array(6)))}`);
  return {
    publisher: { purpose: 'twinroute-publish', keys: [pair.secret] },
    edge: { purpose: 'twinroute-publish', keys: [pair.public] },
  };
}

/**
 * The keys of a set.
 * @param text JSON of `PublishKeySet`
 * @param title what it is, for messages, which never tell what is in it
 * @param side an edge that could sign could be made to publish by whoever breaks into it, so it refuses private halves
 * @throws {TwinrouteError} `config` when it is no such set
 */
export async function openPublishKeys(text: string, title: string, side: 'publisher' | 'edge'): Promise<KeyRing> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  const parsed = z.safeParse(PublishKeySet, value);
  if (!parsed.success)
    throw new TwinrouteError(
      'config',
      `${title}: expected {"purpose": "twinroute-publish", "keys": [{"kty": "OKP", "kid", …}]} as signing-keys --publish writes it, got something else`,
    );
  if (side === 'edge' && parsed.data.keys.some(({ d }) => d !== undefined))
    throw new TwinrouteError('config', `${title}: expected public halves only, got a private key, which belongs to the publisher alone`);
  return importRing(parsed.data.keys, title);
}

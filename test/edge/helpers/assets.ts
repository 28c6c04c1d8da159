// A pack's assets as the edge finds them, their hashes right.

import type { EdgeBundle, EdgeIndex } from '../../../src/contract/edge-bundle.ts';
import type { RouterFeatures } from '../../../src/contract/manifest.ts';
import type { Policy } from '../../../src/contract/policy.ts';
import { BUNDLE, CONFIG } from './harness.ts';

/** Bytes that stand for a router where none is run. */
export const ROUTER = Uint8Array.from({ length: 500 }, (_, i) => (i * 7) % 256);
export const FEATURES: RouterFeatures = { version: 1, buckets: 1024, word_ngrams: 2, char_ngrams: [2, 4], max_chars: 2000 };
/** Hot, so that the tiny router spreads its scores; it never abstains. */
export const POLICY: Policy = { temperature: 25, top_k: 2, threshold: 0, abstain: 0 };

export async function sha256(bytes: Uint8Array): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

export const utf8 = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

/** Assets of one pack, by path. */
export async function assetsOf(
  bundle: Partial<EdgeBundle> = {},
  router: Uint8Array = ROUTER,
  policy: Policy = POLICY,
): Promise<Map<string, Uint8Array>> {
  const edge = utf8({
    ...BUNDLE,
    router: {
      file: 'router.onnx',
      sha256: await sha256(router),
      bytes: router.length,
      features: FEATURES,
      classes: ['cola', 'sst2', 'stsb'],
      policy,
    },
    ...bundle,
  });
  const index: EdgeIndex = { schema: 1, configs: [{ config: CONFIG, name: 'sample', sha256: await sha256(edge) }] };
  return new Map([
    ['index.json', utf8(index)],
    [`${CONFIG}/edge.json`, edge],
    [`${CONFIG}/router.onnx`, router],
  ]);
}

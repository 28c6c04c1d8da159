// Keys of those who may publish. They are a kind of their own: a key by which edge and origins know each other is refused here, and the other way
// round. The edge has public halves only, in the variable `PUBLISH_KEYS`.

import * as z from 'zod/mini';
import { EdwardsKey } from './signing-keys.ts';

/** A publisher's key set, or the edge's. */
export const PublishKeySet = z.strictObject({
  purpose: z.literal('twinroute-publish'),
  keys: z.array(EdwardsKey).check(
    z.minLength(1),
    z.maxLength(100),
    z.refine((keys) => new Set(keys.map(({ kid }) => kid)).size === keys.length, 'expected distinct kids'),
  ),
});
export type PublishKeySet = z.infer<typeof PublishKeySet>;

// What both directions check of a signature: label, tag, coverage, age, and a key that is trusted.

import {
  isSignatureError,
  verifySignature,
  type MessageDescriptor,
  type SignatureComponent,
  type SignatureParameters,
} from 'http-message-sig';
import type { TwinrouteError } from '../../core/errors.ts';
import { ALGORITHMS, type KeyRing } from './key-ring.ts';

/** How far two clocks may be apart, seconds. */
export const SKEW_S = 5;

/** What a signature has to be. */
export interface Expected {
  readonly label: string;
  /** Its purpose: a signature made for another is none here. */
  readonly tag: string;
  readonly covered: readonly SignatureComponent[];
  readonly parameters: readonly string[];
  readonly maxAgeSeconds: number;
}

/**
 * The parameters of a message's valid signature.
 * @param refuse makes the error from a reason that tells nothing of the message
 * @throws {TwinrouteError} what `refuse` makes
 */
export async function verifyTagged(
  message: MessageDescriptor,
  { label, tag, covered, parameters, maxAgeSeconds }: Expected,
  { keys, now }: { readonly keys: KeyRing; readonly now: () => number },
  refuse: (why: string) => TwinrouteError,
): Promise<SignatureParameters> {
  try {
    const verified = await verifySignature(message, {
      label,
      policy: {
        algorithms: ALGORITHMS,
        requiredComponents: covered,
        requiredParameters: ['created', 'alg', 'keyid', 'tag', ...parameters],
        maxAge: maxAgeSeconds,
        clockSkew: SKEW_S,
        now: Math.floor(now() / 1000),
      },
      resolveVerifier({ parameters: { keyid = '', tag: got } }) {
        const verifier = got === tag ? keys.verifier(keyid) : undefined;
        if (verifier === undefined) throw refuse('unknown key or tag');
        return verifier;
      },
    });
    return verified.parameters;
  } catch (error) {
    if (!isSignatureError(error)) throw error;
    throw refuse(error.code === 'ResolverFailed' ? 'unknown key or tag' : error.code);
  }
}

// Names and hashes as they may appear in configs, manifests, paths and URLs.

import * as z from 'zod/mini';

/** An expert's or a pack's name: safe as a file name and as a URL segment. */
export const Name = z
  .string()
  .check(z.regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'expected a name of 1 to 64 letters, digits, dots, dashes or underscores'));

/** A sha256 as lower-case hex. */
export const Sha256 = z.string().check(z.regex(/^[0-9a-f]{64}$/, 'expected 64 lower-case hex digits'));

/** A config's id: the first 16 hex digits of its content hash. */
export const ConfigId = z.string().check(z.regex(/^[0-9a-f]{16}$/, 'expected 16 lower-case hex digits'));

/** A finite number of at least 0 and at most 1. */
export const Fraction = z.number().check(z.minimum(0), z.maximum(1));

/** A whole number of at least 0. */
export const Count = z.int().check(z.minimum(0));

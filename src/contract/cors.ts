// The variable CORS_ORIGINS: from which pages' origins browsers may call the edge.

import * as z from 'zod/mini';

/** JSON list of origins, `*` for any, empty for none. */
export const CorsOrigins = z
  .array(
    z.union([
      z.literal('*'),
      z.string().check(z.regex(/^https?:\/\/[^/\s]{1,255}$/, 'expected an origin such as https://app.example.com')),
    ]),
  )
  .check(z.maxLength(1000));
export type CorsOrigins = z.infer<typeof CorsOrigins>;

// What hono's context carries in this app.

import type { KeyProof } from './accounts/port.ts';
import type { Tenant } from '../contract/tenant.ts';

/** Variables of a request. */
export interface EdgeTypes {
  Variables: {
    requestId: string;
    /** Milliseconds by name, for Server-Timing. */
    timings: Record<string, number>;
    /** Whose key the request came with; undefined where the edge takes requests without keys. */
    tenant: Tenant | undefined;
    /** What proves it to the account. */
    keyProof: KeyProof | undefined;
  };
}

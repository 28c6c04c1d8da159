// What hono's context carries in this app.

import type { Charge } from './accounts/charged.ts';
import type { ErrorCode } from '../core/errors.ts';
import type { ReceiptNote } from '../core/ledger/entry.ts';
import type { Tenant } from '../contract/tenant.ts';
import type { Trip } from './observe/trip.ts';

/** Variables of a request. */
export interface EdgeTypes {
  Variables: {
    requestId: string;
    /** Where what happens to the request is told. */
    trip: Trip;
    /** Why the request failed, once it has. */
    errorCode: ErrorCode | undefined;
    /** Milliseconds by name, for Server-Timing. */
    timings: Record<string, number>;
    /** Whose key the request came with; undefined where the edge takes requests without keys. */
    tenant: Tenant | undefined;
    /** How the request is paid for; undefined for what is free. */
    charge: Charge | undefined;
    /** What origins signed for this request's answers, by their ids. */
    receipts: Map<string, ReceiptNote>;
    /** Resolves when an answer that leaves in parts has left, or is given up; undefined for what leaves at once. */
    leaving: Promise<void> | undefined;
  };
}

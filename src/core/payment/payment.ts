// One payment that came with a request, and the states that it passes through. An answer leaves only in `settled`.
//
//   reserved ─ serve → served ─ ask → unknown ─ confirm → settled     answered, paid once
//      │                               │  └─ ask, refuse → unknown    no refusal is believed after a call that may have taken effect
//      │                               └─ refuse → refused            refused at the first call: nothing paid, and never will be
//      └─ release, stale → released ─ reserve → reserved              failed: nothing paid, the payer may use it again
//
// `ask` is written before the facilitator is called, so a call that never returns, or a process that ends in it, leaves `unknown`, never `served`.
// Who is told to pay anew may do so at once: a payment that was refused is never taken again.

/** Where a payment is. */
export type PaymentState = 'reserved' | 'served' | 'unknown' | 'settled' | 'refused' | 'released';

/** One payment. */
export interface Payment {
  readonly state: PaymentState;
  /** Counts reservations: work of an earlier one can neither settle nor release a later one. */
  readonly turn: number;
  /** Calls to settle it, in this turn. */
  readonly attempts: number;
  /** Milliseconds since 1970. */
  readonly changedMs: number;
}

/** What can happen to a payment. `turn` is that of the reservation which the caller holds. */
export type PaymentCommand =
  | { readonly kind: 'serve' | 'release'; readonly turn: number }
  | { readonly kind: 'reserve' | 'ask' | 'confirm' | 'refuse' | 'stale' };

const NEXT: Readonly<Record<PaymentState, Partial<Record<PaymentCommand['kind'], PaymentState>>>> = {
  reserved: { serve: 'served', release: 'released', stale: 'released' },
  served: { ask: 'unknown' },
  unknown: { ask: 'unknown', confirm: 'settled', refuse: 'refused' },
  settled: {},
  refused: {},
  released: { reserve: 'reserved' },
};

/** Longest time between two calls to settle, in milliseconds. */
const MAX_RETRY_MS = 300_000;
/** How long after its end a signature is asked about, in milliseconds: nothing can take effect any more, but news of it may be late. */
const GRACE_MS = 3_600_000;

/** A payment that is new. */
export function reservedPayment(nowMs: number): Payment {
  return { state: 'reserved', turn: 1, attempts: 0, changedMs: nowMs };
}

/** The payment after a command; undefined for one that contradicts what has happened. */
export function movePayment(payment: Payment, command: PaymentCommand, nowMs: number): Payment | undefined {
  const state = NEXT[payment.state][command.kind];
  if (state === undefined || ('turn' in command && command.turn !== payment.turn)) return undefined;
  // The call before this one may have taken effect, and then the payment is refused because it was made.
  if (command.kind === 'refuse' && payment.attempts > 1) return payment;
  const turn = payment.turn + (command.kind === 'reserve' ? 1 : 0);
  const attempts = command.kind === 'reserve' ? 0 : payment.attempts + (command.kind === 'ask' ? 1 : 0);
  return { state, turn, attempts, changedMs: nowMs };
}

/** Times that a deployment chooses, in milliseconds. */
export interface PaymentTimes {
  /** How long a request may hold its reservation. */
  readonly leaseMs: number;
  /** Longest call to settle. */
  readonly settleMs: number;
  /** Time until the second call; it doubles with every further one. */
  readonly retryMs: number;
}

/**
 * When a payment needs looking at if nothing happens to it, in milliseconds since 1970; Infinity when it does not.
 * @param untilMs end of its signature, in milliseconds since 1970
 */
export function paymentDueMs(
  { state, attempts, changedMs }: Payment,
  { leaseMs, settleMs, retryMs }: PaymentTimes,
  untilMs: number,
): number {
  if (state === 'reserved') return changedMs + leaseMs;
  if (state === 'served') return changedMs;
  if (state !== 'unknown' || changedMs > untilMs + GRACE_MS) return Infinity;
  return changedMs + settleMs + Math.min(MAX_RETRY_MS, retryMs * 2 ** (attempts - 1));
}

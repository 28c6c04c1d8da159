// What happens at the edge, as far as anybody who watches it cares. Nothing here holds a text, a key or anything else that a caller wrote.

import type { ErrorCode, TwinrouteError } from '../../core/errors.ts';
import type { Outcome } from '../../core/balance/member.ts';
import type { Merge } from '../decide.ts';

/** When something began, in milliseconds since 1970, and how long it took. */
interface Timed {
  readonly startMs: number;
  readonly ms: number;
}

/** Why an endpoint was asked. */
export type AttemptPurpose = 'first' | 'retry' | 'hedge' | 'last_resort' | 'shadow';

/** Steps of a request's money: from an account's credit, or by a payment that came with it. */
export type LedgerStep = 'reserve' | 'settle' | 'release' | 'queue' | 'payment_reserve' | 'payment_settle' | 'payment_release';

/** Steps after which a request is paid, when their outcome is `settled`. */
export const PAYING: ReadonlySet<LedgerStep> = new Set<LedgerStep>(['settle', 'payment_settle']);

/** The events by kind. */
export interface EdgeEvents {
  /** A request ends, whatever became of it. */
  request: Timed & {
    readonly method: string;
    /** Template of its path; `other` for a path that there is not. */
    readonly route: string;
    readonly status: number;
    readonly code: ErrorCode | undefined;
    /** Data centre that answered; '' where unknown. */
    readonly colo: string;
  };
  /** An isolate that has enough to do refuses a request. */
  shed: object;
  /** An error becomes an answer, a part of one, or nothing but this. */
  failure: {
    readonly error: TwinrouteError;
    /** Of the request or the input that failed. */
    readonly id: string;
  };
  /** Something is wrong that belongs to no request. @param about what it is about, in a word of ours */
  problem: { readonly error: TwinrouteError; readonly about: string };
  /** An input's merge was decided. */
  routed: Timed & {
    readonly config: string;
    readonly by: Merge['by'] | 'origin';
    readonly abstained: boolean;
    /** In the mix. */
    readonly experts: number;
  };
  /** An endpoint was asked. */
  attempt: Timed & {
    readonly spanId: string;
    readonly config: string;
    readonly endpoint: string;
    readonly url: string;
    readonly purpose: AttemptPurpose;
    readonly outcome: Outcome;
    readonly code: ErrorCode | undefined;
  };
  /** An input has its answer. */
  answered: Timed & { readonly config: string; readonly endpoint: string; readonly tokens: number; readonly cached: boolean };
  /** Kept answers were looked through. */
  lookup: { readonly hit: boolean };
  /** Money was set aside, charged or given back, or that failed. */
  ledger: Timed & { readonly step: LedgerStep; readonly outcome: string; readonly micros: number };
  /** An experiment's arm answered. */
  exposure: { readonly experiment: string; readonly arm: string };
  /** A shadow was asked. */
  shadow: { readonly experiment: string; readonly outcome: 'answered' | 'failed' };
  /** A deployed config was read, or refused. */
  config: { readonly config: string; readonly outcome: 'loaded' | ErrorCode };
  /** What watches lost something itself. */
  dropped: { readonly what: 'spans' | 'lines'; readonly why: string; readonly count: number };
}

/** One of them. */
export type EdgeEvent = { [K in keyof EdgeEvents]: EdgeEvents[K] & { readonly kind: K } }[keyof EdgeEvents];

/** An event of a kind. */
export type EventOf<K extends keyof EdgeEvents> = Extract<EdgeEvent, { kind: K }>;

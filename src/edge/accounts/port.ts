// How the rest of the edge speaks to accounts: Durable Objects in a deployment.

import type { Tenant } from '../../contract/tenant.ts';
import type { EntryState, EntryUsage } from '../../core/ledger/entry.ts';
import type { Opened, OpenRequest } from '../../core/ledger/ledger.ts';
import type { RateStanding } from '../../core/ledger/limits.ts';
import type { PriceList } from '../../core/ledger/price.ts';
import type { Account } from '../durable/account.ts';
import type { Directory } from '../durable/directory.ts';
import type { UsageLog } from '../durable/usage-log.ts';
import type { UsageMessage } from '../durable/usage-messages.ts';

/** A key's id and the hash of the whole key as the caller sent it. */
export interface KeyProof {
  readonly key: string;
  readonly sha256: string;
}

/** What became of a request to reserve. */
export type OpenedCall =
  | { readonly kind: 'unauthorized' }
  | Extract<Opened, { kind: 'refused' }>
  | {
      /** `repeated`: the same was asked before under this idempotency key. */
      readonly kind: 'opened' | 'repeated';
      readonly seq: number;
      readonly state: EntryState;
      readonly charged: number;
      /** The answer that the first one got, while it is kept. */
      readonly answer: string | undefined;
      /** Credit that is neither charged nor held, in micro-units. */
      readonly available: number;
      readonly rate: RateStanding | undefined;
    };

/** What became of a request to charge. */
export interface SettledCall {
  /** False when the reservation was given back before. */
  readonly settled: boolean;
  readonly charged: number;
  readonly available: number;
}

/** A request that was paid for by itself. */
export interface BookedPayment {
  /** Names the payment among all of the payer's. */
  readonly id: string;
  readonly micros: number;
  readonly usage: EntryUsage;
  readonly request: string;
  readonly operation: string;
}

/** What a request needs of its account. Any call may fail, or fail to return after it has taken effect. */
export interface AccountCalls {
  authenticate(proof: KeyProof): Promise<Tenant | undefined>;
  open(proof: KeyProof, request: OpenRequest): Promise<OpenedCall>;
  settle(seq: number, micros: number, usage: EntryUsage, answer: string | undefined): Promise<SettledCall>;
  release(seq: number): Promise<boolean>;
}

/** One of those calls, as it travels with others. */
export type AccountCall =
  | { readonly kind: 'open'; readonly proof: KeyProof; readonly request: OpenRequest }
  | {
      readonly kind: 'settle';
      readonly seq: number;
      readonly micros: number;
      readonly usage: EntryUsage;
      readonly answer: string | undefined;
    }
  | { readonly kind: 'release'; readonly seq: number };

/** What it came to. */
export type AccountResult =
  | { readonly kind: 'open'; readonly value: OpenedCall }
  | { readonly kind: 'settle'; readonly value: SettledCall }
  | { readonly kind: 'release'; readonly value: boolean }
  | { readonly kind: 'failed'; readonly message: string };

/** What metering needs. */
export interface Metering {
  /** Calls to an account, each by a fresh stub: one that failed once fails for good. */
  readonly calls: (account: string) => AccountCalls;
  readonly prices: PriceList;
  /** Puts a message on the queue. */
  readonly send: (message: UsageMessage) => Promise<unknown>;
}

/** Accounts, as a deployment with a root secret has them. */
export interface Accounts extends Metering {
  readonly adminSecret: string;
  readonly accounts: DurableObjectNamespace<Account>;
  readonly logs: DurableObjectNamespace<UsageLog>;
  readonly directory: DurableObjectNamespace<Directory>;
}

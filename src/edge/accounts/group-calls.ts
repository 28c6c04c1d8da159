// Calls to an account that are made while one is under way go together, in one message: the account answers all of them in one turn and so writes
// them with one commit, which is what a call costs most. Nobody waits for company: a call that finds none under way goes at once.
//
// What is next is sent by one of those who wait, in its own request's context, and not by whoever has just been answered: the runtime ends what a
// request began once that request is over.

import type { AccountCall, AccountCalls, AccountResult } from './port.ts';

/** Calls of one message. */
const MOST = 64;
/** After so long, what is under way is taken for lost, and others no longer wait for it. */
const LOST_MS = 1_000;

/** What grouping needs. */
export interface GroupDeps {
  /** Hands the calls to an account; results in their order. */
  readonly send: (account: string, calls: readonly AccountCall[]) => Promise<readonly AccountResult[]>;
  /** Milliseconds. */
  readonly now: () => number;
  /** Keeps work running after the request that began it: others depend on it. */
  readonly keepAlive: (work: Promise<unknown>) => void;
}

/** A call and who is told what. */
interface Waiting {
  readonly call: AccountCall;
  /** It is for this one to send what waits. */
  readonly turn: PromiseWithResolvers<void>;
  readonly result: PromiseWithResolvers<AccountResult>;
}

/** An account's calls. */
interface Group {
  readonly waiting: Waiting[];
  /** When what is under way was sent. */
  sinceMs: number | undefined;
}

/** Calls to accounts by their ids, grouped in this isolate. */
export function groupCalls(deps: GroupDeps): (account: string) => Omit<AccountCalls, 'authenticate'> {
  const groups = new Map<string, Group>();

  async function ask(account: string, call: AccountCall): Promise<AccountResult> {
    const group = groups.get(account) ?? { waiting: [], sinceMs: undefined };
    groups.set(account, group);
    const own: Waiting = { call, turn: Promise.withResolvers(), result: Promise.withResolvers() };
    deps.keepAlive(own.result.promise.catch(() => undefined));
    group.waiting.push(own);
    if (group.sinceMs !== undefined && deps.now() - group.sinceMs < LOST_MS) await Promise.race([own.turn.promise, own.result.promise]);
    if (group.waiting.includes(own)) await sendWaiting(account, group);
    return own.result.promise;
  }

  async function sendWaiting(account: string, group: Group): Promise<void> {
    const batch = group.waiting.splice(0, MOST);
    const sinceMs = deps.now();
    group.sinceMs = sinceMs;
    try {
      const results = await deps.send(
        account,
        batch.map(({ call }) => call),
      );
      for (const [i, { result }] of batch.entries()) result.resolve(results[i]);
    } catch (thrown) {
      for (const { result } of batch) result.reject(thrown);
    }
    // Somebody may have gone on without this.
    if (group.sinceMs !== sinceMs) return;
    group.sinceMs = undefined;
    const [next] = group.waiting;
    if (next === undefined) groups.delete(account);
    else next.turn.resolve();
  }

  return (account) => ({
    async open(proof, request) {
      const result = await ask(account, { kind: 'open', proof, request });
      if (result.kind === 'open') return result.value;
      throw failure(result);
    },
    async settle(seq, micros, usage, answer) {
      const result = await ask(account, { kind: 'settle', seq, micros, usage, answer });
      if (result.kind === 'settle') return result.value;
      throw failure(result);
    },
    async release(seq) {
      const result = await ask(account, { kind: 'release', seq });
      if (result.kind === 'release') return result.value;
      throw failure(result);
    },
  });
}

function failure(result: AccountResult): Error {
  return new Error(`account: expected an answer, got ${result.kind === 'failed' ? result.message : `one to ${result.kind}`}`);
}

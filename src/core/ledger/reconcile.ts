// Does what was published agree with the ledger, and the balance with both?

import { isOpen, type Entry } from './entry.ts';
import { sameEvent, usageEvent, type UsageEvent } from './usage-event.ts';

/** One disagreement. */
export interface Finding {
  readonly kind:
    /** Settled and to have been published, but not there. */
    | 'missing'
    /** Published, but the ledger has no settled entry for it. */
    | 'extra'
    /** Published with other facts than the ledger's. */
    | 'different'
    /** The balance is not what was paid in less what was charged, or what is held is not the sum over open entries. */
    | 'balance'
    | 'held';
  readonly seq?: number;
  readonly expected?: number;
  readonly got?: number;
}

/** An account's sums at one moment, in micro-units: as decisions are made by them, and as the entries add up to. */
export interface Standing {
  readonly balance: number;
  readonly held: number;
  readonly paidIn: number;
  readonly chargedByEntries: number;
  readonly heldByEntries: number;
}

/** What is compared. */
export interface Books {
  readonly account: string;
  readonly standing: Standing;
  /** Entries up to some place, in order. */
  readonly entries: AsyncIterable<Entry>;
  /** What was published up to the same place, in the order of `seq`. */
  readonly events: AsyncIterable<UsageEvent>;
  /** Whether a settled entry is to have been published already. */
  readonly isDue: (entry: Entry) => boolean;
}

/**
 * Every disagreement; none when all is well.
 * Cost: one pass over both, constant memory beside the findings.
 */
export async function reconcile({ account, standing, entries, events, isDue }: Books): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  const published = events[Symbol.asyncIterator]();
  let next = await published.next();
  for await (const entry of entries) {
    for (; next.done !== true && next.value.seq < entry.seq; next = await published.next())
      findings.push({ kind: 'extra', seq: next.value.seq });
    const found = next.done !== true && next.value.seq === entry.seq ? next.value : undefined;
    if (found !== undefined) next = await published.next();
    const kind = compare(usageEvent(account, entry), found, entry, isDue);
    if (kind !== undefined) findings.push({ kind, seq: entry.seq });
  }
  for (; next.done !== true; next = await published.next()) findings.push({ kind: 'extra', seq: next.value.seq });
  const { balance, held, paidIn, chargedByEntries, heldByEntries } = standing;
  if (balance !== paidIn - chargedByEntries) findings.push({ kind: 'balance', expected: paidIn - chargedByEntries, got: balance });
  if (held !== heldByEntries) findings.push({ kind: 'held', expected: heldByEntries, got: held });
  return findings;
}

/** What is wrong with an entry's event, if anything. An entry that was open when it was read may have been settled since. */
function compare(
  expected: UsageEvent | undefined,
  found: UsageEvent | undefined,
  entry: Entry,
  isDue: (entry: Entry) => boolean,
): Finding['kind'] | undefined {
  if (expected === undefined) return found === undefined || isOpen(entry) ? undefined : 'extra';
  if (found === undefined) return isDue(entry) ? 'missing' : undefined;
  return sameEvent(expected, found) ? undefined : 'different';
}

// Does what was charged agree with what origins signed? One pass over the charged entries of all accounts, and a look at what is left over.

import type { Entry, ReceiptNote } from './entry.ts';

/** A receipt in the book of the origin that gave it. */
export interface OriginReceipt extends Omit<ReceiptNote, 'cached'> {
  /** Id of the request or, of a batch, of its input. */
  readonly id: string;
}

/** One disagreement about a charged entry. */
export interface ReceiptFinding {
  readonly kind:
    /** Charged, but no origin has a receipt for it. */
    | 'unreceipted'
    /** The origin's book has another config, mix or usage than the receipt that the edge was given. */
    | 'receipt'
    /** Charged by other answers, configs or tokens than its receipts add up to. */
    | 'usage'
    /** Charged by a receipt that was charged before. */
    | 'reused';
  readonly seq: number;
  readonly expected?: number;
  readonly got?: number;
}

/** Receipts that nobody was charged for, by the reason, which is none to worry. */
export interface Uncharged {
  /** A config that was run unseen beside another. */
  shadow: number;
  /** Its request was given back: it failed elsewhere, came too late, or its caller was gone. */
  released: number;
  /** Its request is still under way, or nobody knows yet how it ended. */
  open: number;
  /** One of several attempts at a request that was charged by another. */
  repeated: number;
  /** Of a request that is in no account's ledger: free, paid for on the spot, or of an account that was not looked at. */
  other: number;
}

/** The comparison, account by account. */
export interface ReceiptComparison {
  /** What is wrong with an entry that has ended; entries without signed answers, or whose origin's book cannot tell, are passed over. */
  add(entry: Entry): readonly ReceiptFinding[];
  /** Charged entries whose receipts were looked for so far. */
  readonly compared: number;
  /** What is left once every entry was added. */
  uncharged(): Uncharged;
}

/**
 * A comparison with the books of origins.
 * @param receipts by nonce
 * @param canTell whether the book of that endpoint is complete for a time
 * Cost: memory for one short text an entry
 */
export function compareReceipts(
  receipts: ReadonlyMap<string, OriginReceipt>,
  canTell: (endpoint: string, atMs: number) => boolean,
): ReceiptComparison {
  const charged = new Set<string>();
  const states = new Map<string, Entry['state']>();
  let compared = 0;
  return {
    get compared() {
      return compared;
    },
    add(entry) {
      states.set(entry.request, entry.state);
      const { usage, seq } = entry;
      if (entry.state !== 'settled' || usage?.receipts === undefined) return [];
      compared += 1;
      const findings = usage.receipts.flatMap((note): readonly ReceiptFinding[] => {
        const found = receipts.get(note.nonce);
        const again = charged.has(note.nonce) && note.cached !== true;
        charged.add(note.nonce);
        if (again) return [{ kind: 'reused', seq }];
        if (found !== undefined)
          return sameReceipt(note, found) ? [] : [{ kind: 'receipt', seq, expected: found.tokens, got: note.tokens }];
        // An answer that was kept may be older than what is looked at.
        return note.cached === true || !canTell(note.endpoint, entry.openedMs) ? [] : [{ kind: 'unreceipted', seq }];
      });
      return [...findings, ...compareUsage(entry, usage.receipts)];
    },
    uncharged() {
      const counts: Uncharged = { shadow: 0, released: 0, open: 0, repeated: 0, other: 0 };
      for (const { nonce, id } of receipts.values()) if (!charged.has(nonce)) counts[reasonOf(id, states)] += 1;
      return counts;
    },
  };
}

function sameReceipt(a: ReceiptNote, b: OriginReceipt): boolean {
  return a.endpoint === b.endpoint && a.config === b.config && a.tokens === b.tokens && a.mix === b.mix;
}

function compareUsage({ seq, usage }: Entry, notes: readonly ReceiptNote[]): readonly ReceiptFinding[] {
  if (usage === undefined) return [];
  const { unsigned = { answers: 0, tokens: 0 } } = usage;
  const tokens = notes.reduce((sum, note) => sum + note.tokens, unsigned.tokens);
  if (usage.tokens !== tokens) return [{ kind: 'usage', seq, expected: tokens, got: usage.tokens }];
  const answers = notes.length + unsigned.answers;
  if (usage.answers !== answers) return [{ kind: 'usage', seq, expected: answers, got: usage.answers }];
  const signed = new Set(notes.map(({ config }) => config));
  const charged = new Set(usage.configs);
  const same = [...signed].every((config) => charged.has(config)) && (unsigned.answers > 0 || signed.size === charged.size);
  return same ? [] : [{ kind: 'usage', seq }];
}

const SHADOW = /\.shadow$/;

function reasonOf(id: string, states: ReadonlyMap<string, Entry['state']>): keyof Uncharged {
  if (SHADOW.test(id)) return 'shadow';
  // The id of an input of a batch is its request's with a number behind.
  const state = states.get(id) ?? states.get(id.replace(/\.\d+$/, ''));
  if (state === undefined) return 'other';
  if (state === 'settled') return 'repeated';
  return state === 'released' ? 'released' : 'open';
}

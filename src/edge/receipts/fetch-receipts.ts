// What origins have in their books of receipts, for the time that a reconciliation looks at.

import type { Endpoint } from '../../contract/endpoint.ts';
import { DEADLINE_HEADER, REQUEST_ID_HEADER } from '../../contract/oip.ts';
import { parseJsonWith } from '../../contract/parse.ts';
import { readBounded } from '../../contract/read-bounded.ts';
import { ReceiptsAnswer } from '../../contract/receipt-book.ts';
import { messageOf, TwinrouteError } from '../../core/errors.ts';
import type { OriginReceipt } from '../../core/ledger/reconcile-receipts.ts';
import { signRequest, type SigningContext } from '../../formats/signing/request-signature.ts';
import { engineAt } from '../engines/registry.ts';
import { mixHash } from './receipt-note.ts';

/** Longest wait for a page, and its largest body: a page of receipts of long mixes. */
const PAGE_MS = 10_000;
const PAGE_BYTES = 16 << 20;
/** Receipts that are compared at once: some 60 MB of an isolate's 128. */
const RECEIPTS = 200_000;

/** What fetching needs. */
export interface FetchReceiptsDeps {
  readonly endpoints: readonly Endpoint[];
  readonly fetch: typeof fetch;
  readonly signing: SigningContext;
  readonly newId: () => string;
}

/** One origin's book. */
export interface FetchedBook {
  readonly endpoint: string;
  readonly receipts: number;
  /** Since when it is complete, milliseconds since 1970; Infinity for one that was not got. */
  readonly fromMs: number;
  /** Why it was not. */
  readonly problem?: string;
}

/** The books of all endpoints that sign, from a time on, and their receipts by nonce. An origin without a book, or out of reach, is a book with a problem. */
export async function fetchReceipts(
  deps: FetchReceiptsDeps,
  sinceMs: number,
): Promise<{ readonly receipts: ReadonlyMap<string, OriginReceipt>; readonly books: readonly FetchedBook[] }> {
  const receipts = new Map<string, OriginReceipt>();
  const books = await Promise.all(
    deps.endpoints
      .filter((endpoint) => engineAt(endpoint).signs)
      .map(async (endpoint): Promise<FetchedBook> => {
        let count = 0;
        try {
          for (let cursor: string | undefined; ;) {
            const page = await fetchPage(deps, endpoint, { since_ms: sinceMs, ...(cursor !== undefined && { cursor }) });
            for (const { nonce, id, config, tokens, mix } of page.receipts)
              receipts.set(nonce, { nonce, id, endpoint: endpoint.id, config, tokens, mix: await mixHash(mix) });
            count += page.receipts.length;
            if (receipts.size > RECEIPTS)
              throw new TwinrouteError('too_large', `receipts: expected at most ${RECEIPTS}, got more; ask for fewer hours`);
            cursor = page.next;
            if (cursor === undefined) return { endpoint: endpoint.id, receipts: count, fromMs: page.from_ms };
          }
        } catch (thrown) {
          return { endpoint: endpoint.id, receipts: count, fromMs: Infinity, problem: messageOf(thrown) };
        }
      }),
  );
  return { receipts, books };
}

async function fetchPage({ fetch, signing, newId }: FetchReceiptsDeps, { id, url }: Endpoint, asked: object): Promise<ReceiptsAnswer> {
  const body = JSON.stringify(asked);
  const headers = { 'content-type': 'application/json', [REQUEST_ID_HEADER]: newId(), [DEADLINE_HEADER]: String(PAGE_MS) };
  const message = { method: 'POST', url: `${url.replace(/\/+$/, '')}/v2/receipts`, headers };
  const sent = await signRequest(signing, message, new TextEncoder().encode(body));
  const signal = AbortSignal.timeout(PAGE_MS);
  const response = await fetch(sent.url, { method: sent.method, headers: { ...sent.headers }, body, redirect: 'manual', signal });
  const tooLarge = (): TwinrouteError => new TwinrouteError('upstream', `origin ${id}: expected at most ${PAGE_BYTES} bytes, got more`);
  const bytes = await readBounded(response, PAGE_BYTES, tooLarge);
  if (response.status !== 200)
    throw new TwinrouteError('upstream', `origin ${id}: expected its book of receipts, got status ${response.status}`);
  return parseJsonWith(ReceiptsAnswer, new TextDecoder().decode(bytes), `origin ${id}`, 'upstream');
}

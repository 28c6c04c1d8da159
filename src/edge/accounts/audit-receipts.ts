// The comparison of ledgers with the receipts of origins, over the hours before now.

import type { z } from 'zod/mini';
import type { ReceiptsCompared } from '../../contract/admin.ts';
import { compareReceipts, type ReceiptFinding } from '../../core/ledger/reconcile-receipts.ts';
import { fetchReceipts, type FetchReceiptsDeps } from '../receipts/fetch-receipts.ts';
import { pages } from './pages.ts';
import type { Accounts } from './port.ts';

/** How far clocks of edge and origins, and the start and the end of a request, may be apart. */
const MARGIN_MS = 15 * 60_000;

/** An account's findings. */
interface Found extends ReceiptFinding {
  readonly account: string;
}

/** What was found, and what it was compared with. */
export interface ReceiptAudit {
  readonly findings: readonly Found[];
  readonly compared: z.infer<typeof ReceiptsCompared>;
}

/**
 * Compares the entries of these accounts that were opened in the last `hours` with what origins have in their books.
 * @param nowMs milliseconds since 1970
 */
export async function auditReceipts(
  accounts: Accounts,
  ids: AsyncIterable<string>,
  deps: FetchReceiptsDeps,
  { hours, nowMs }: { readonly hours: number; readonly nowMs: number },
): Promise<ReceiptAudit> {
  const sinceMs = nowMs - hours * 3_600_000;
  const { receipts, books } = await fetchReceipts(deps, Math.max(0, sinceMs - MARGIN_MS));
  const complete = new Map(books.map(({ endpoint, fromMs }) => [endpoint, fromMs]));
  const comparison = compareReceipts(receipts, (endpoint, atMs) => (complete.get(endpoint) ?? Infinity) <= atMs);
  const findings: Found[] = [];
  for await (const account of ids) {
    const stub = accounts.accounts.getByName(account);
    for await (const entry of pages(async (after, limit) => (await stub.entries(after, limit)) ?? [])) {
      if (entry.openedMs < sinceMs) continue;
      for (const finding of comparison.add(entry)) findings.push({ account, ...finding });
    }
  }
  return {
    findings,
    compared: {
      hours,
      charged: comparison.compared,
      books: books.map(({ endpoint, receipts: count, fromMs, problem }) => ({
        endpoint,
        receipts: count,
        ...(fromMs !== Infinity && { from_ms: fromMs }),
        ...(problem !== undefined && { problem }),
      })),
      uncharged: comparison.uncharged(),
    },
  };
}

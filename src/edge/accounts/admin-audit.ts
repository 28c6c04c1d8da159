// Exports and reconciliation, of the admin API.

import type { z } from 'zod/mini';
import type { ReconcileAnswer } from '../../contract/admin.ts';
import { TwinrouteError } from '../../core/errors.ts';
import type { Route } from '../route.ts';
import { namedAccount, type AdminDeps } from './admin-context.ts';
import { auditReceipts } from './audit-receipts.ts';
import { accountIds, exportLines, reconcileAccount, type EventFormat } from './audit.ts';
import { queryCount } from './query-count.ts';

/** How long the queue may take before reconciliation misses an event, in seconds. */
const GRACE_SECONDS = 600;

/** How far back receipts are compared unless the query says. */
const RECEIPTS_HOURS = 24;

/** These routes. */
export function adminAuditRoutes(deps: AdminDeps): readonly Route[] {
  const { accounts, now, signing } = deps;
  return [
    {
      method: 'get',
      path: '/admin/v1/export',
      access: 'root',
      summary: 'Lists what was charged, as events that billing systems take',
      parameters: ['format', 'account', 'accountAfter', 'meter'],
      answer: { type: 'application/x-ndjson', description: 'One event a line: a CloudEvent 1.0, or a meter event of Stripe' },
      errors: ['not_found'],
      async handler(c) {
        const format = formatOf(c.req.query('format'));
        const named = namedAccount(c);
        const after = queryCount(c, 'after') ?? 0;
        if (after > 0 && named === undefined)
          throw new TwinrouteError('invalid_request', 'after: expected an account beside it, got none', { param: 'account' });
        const lines = async function* (): AsyncGenerator<string> {
          const options = { format, after, named: named !== undefined, meter: c.req.query('meter') ?? 'twinroute_usage' };
          for await (const id of accountIds(accounts, named)) yield* exportLines(accounts, id, options);
        };
        return c.body(await streamOf(lines()), 200, { 'content-type': 'application/x-ndjson' });
      },
    },
    {
      method: 'get',
      path: '/admin/v1/reconcile',
      access: 'root',
      summary: 'Compares ledgers, their sums, what was published and what origins signed',
      parameters: ['account', 'grace', 'receiptsHours'],
      answer: 'ReconcileAnswer',
      errors: ['not_found'],
      async handler(c) {
        const graceMs = (queryCount(c, 'grace_seconds') ?? GRACE_SECONDS) * 1000;
        const findings: z.infer<typeof ReconcileAnswer>['findings'] = [];
        let count = 0;
        for await (const id of accountIds(accounts, namedAccount(c))) {
          for (const finding of await reconcileAccount(accounts, id, now(), graceMs)) findings.push({ account: id, ...finding });
          count += 1;
        }
        const hours = queryCount(c, 'receipts_hours') ?? RECEIPTS_HOURS;
        const audit =
          signing === undefined || hours === 0
            ? undefined
            : await auditReceipts(accounts, accountIds(accounts, namedAccount(c)), { ...deps, signing }, { hours, nowMs: now() });
        findings.push(...(audit?.findings ?? []));
        return c.json({ accounts: count, findings, ...(audit && { receipts: audit.compared }) } satisfies z.infer<typeof ReconcileAnswer>);
      },
    },
  ];
}

function formatOf(text: string | undefined): EventFormat {
  if (text === undefined || text === 'cloudevents') return 'cloudevents';
  if (text === 'stripe') return 'stripe';
  throw new TwinrouteError('invalid_request', `format: expected cloudevents or stripe, got ${text.slice(0, 20)}`, { param: 'format' });
}

/** The lines as a body that is made while it is read. The first is made at once, so that what is wrong from the start has a status of its own. */
async function streamOf(lines: AsyncGenerator<string>): Promise<ReadableStream<Uint8Array>> {
  const utf8 = new TextEncoder();
  let next = await lines.next();
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      if (next.done === true) {
        controller.close();
        return;
      }
      controller.enqueue(utf8.encode(next.value));
      next = await lines.next();
    },
  });
}

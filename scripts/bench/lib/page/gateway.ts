// The whole edge beside another gateway, on the page.

import type { GatewayReport } from '../../gateway.bench.ts';
import { barPlot } from '../plot/bars.ts';
import { spellEstimate, type Line, type Section } from './section.ts';

/** The section. */
export function gatewaySection({ ways, difference, peer, pairs }: GatewayReport): Section {
  const added = ways.filter(({ name }) => !name.startsWith('direct'));
  return {
    title: 'The whole edge beside another gateway',
    about:
      `What a gateway adds to a direct call of the same mock origin, a process of its own, within ${pairs} pairs of calls a few milliseconds apart, with 95 % bootstrap intervals. Ours authenticates, assigns, routes by content, signs, verifies, ` +
      `reserves and charges in real Durable Objects on disk, in the bundle that \`wrangler deploy\` would upload; [Portkey’s gateway](https://www.npmjs.com/package/@portkey-ai/gateway) (${peer}) does its least.`,
    lines: [
      ...ways
        .filter(({ name }) => name.startsWith('direct'))
        .map(({ name, whole, requestsPerSecond }): Line => ({
          what: name,
          measured: `p50 ${whole[0].value.toFixed(2)} ms; 16 clients: ${requestsPerSecond.toFixed(0)} a second`,
        })),
      ...added.map(({ name, whole, added: [p50, p99], busy, busyAdded, requestsPerSecond, cpuMs }): Line => ({
        what: name,
        measured:
          `p50 ${whole[0].value.toFixed(2)} ms; added p50 ${spellEstimate(p50, 2, ' ms')}, p99 ${spellEstimate(p99, 1, ' ms')}; 16 clients: p50 ${busy[0].value.toFixed(2)} ms, added ${spellEstimate(busyAdded, 2, ' ms')}, ` +
          `${requestsPerSecond.toFixed(0)} a second, ${cpuMs.toFixed(2)} ms of CPU a request`,
      })),
      ...(difference === undefined
        ? []
        : [
            {
              what: `Added p50, all of ours less the least of ${peer}`,
              target: '< 0 ms',
              measured: spellEstimate(difference, 2, ' ms'),
              met: difference.value < 0,
            },
          ]),
    ],
    plots: [
      {
        file: 'gateway.svg',
        about: 'What a gateway adds to a call',
        svg: barPlot(
          'What a gateway adds to a call',
          'milliseconds at p50',
          added.map(({ name, added: [{ value, low, high }] }) => ({ name, value, low, high, colour: name.startsWith('Portkey') ? 2 : 0 })),
        ),
      },
    ],
    notes: [
      'Why Portkey stays ahead: it forwards, in Node. workerd’s floor for a request like ours (one fetch, two calls of a Durable Object that writes) is about 0.8 ms of CPU and two commits that the answer waits for; routing costs 0.16 to 0.4, signing and receipts 0.2 to 0.45. The next step would be to hold credit in memory under a durable block, one commit a request or fewer.',
      'Signing: the edge signs a request and verifies its receipt, HMAC-SHA256, in Node at load 11 (2026-11-24): 0.15 + 0.18 ms (Ed25519: 0.21 + 0.34 ms).',
    ],
  };
}

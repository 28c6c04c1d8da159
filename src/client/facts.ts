// Facts of an answer, from its headers.

import type { AnswerFacts } from './options.ts';

/** The facts. @param attempts that were made */
export function factsOf({ status, headers }: Response, attempts: number): AnswerFacts {
  const number = (name: string): number => Number.parseInt(headers.get(name) ?? '0', 10);
  return {
    status,
    requestId: headers.get('x-request-id') ?? '',
    attempts,
    replayed: headers.get('idempotent-replayed') === 'true',
    usage: headers.has('x-usage-micros')
      ? {
          micros: number('x-usage-micros'),
          tokens: number('x-usage-tokens'),
          currency: headers.get('x-usage-currency') ?? '',
          balanceMicros: number('x-balance-micros'),
        }
      : undefined,
    rate: headers.has('x-ratelimit-limit-requests')
      ? {
          limit: number('x-ratelimit-limit-requests'),
          remaining: number('x-ratelimit-remaining-requests'),
          resetSeconds: number('x-ratelimit-reset-requests'),
        }
      : undefined,
  };
}

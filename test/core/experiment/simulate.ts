// Simulated traffic: users who come back unequally often, each with habits of their own, assigned and measured as the edge does it.

import { assign } from '../../../src/core/experiment/assign.ts';
import { decide, type Decision, type GuardrailRule, type MeasuredArm } from '../../../src/core/experiment/decide.ts';
import { valuesOf } from '../../../src/core/experiment/metrics.ts';
import { addValues, type Cell, type Moments } from '../../../src/core/experiment/moments.ts';
import { createRandom } from '../../../src/core/random.ts';

/** A guardrail with the schema's defaults. */
export function guardrail(metric: string, change: Partial<GuardrailRule> = {}): GuardrailRule {
  return { metric, margin: 0, relative: 0, min_samples: 100, min_units: 20, action: 'rollback', ...change };
}

/** Traffic and what is wrong with the second arm. */
export interface Traffic {
  readonly requests: number;
  readonly users: number;
  readonly guardrails: readonly GuardrailRule[];
  /** Requests between two looks. */
  readonly every: number;
  /** Chance of an error, by arm. */
  readonly errors: readonly [number, number];
  /** Share of the second arm's users who get lost before they are counted. */
  readonly lost?: number;
}

/** The first decision that is not to continue, and after how many requests; undefined when there was none. */
export function simulate(seed: number, traffic: Traffic): { readonly decision: Decision; readonly requests: number } | undefined {
  const random = createRandom(seed, 'traffic');
  const rule = { key: `exp-${seed}`, hash_version: 2, weights: [0.5, 0.5], coverage: 1 } as const;
  const arms = ['control', 'treatment'].map((name) => ({ name, weight: 0.5, units: 0, moments: none<Moments>() }));
  const users = Array.from({ length: traffic.users }, (_, i) => {
    const arm = assign(rule, `u${i}`);
    return {
      arm: typeof arm === 'number' && !(arm === 1 && random.uniform() < (traffic.lost ?? 0)) ? arm : undefined,
      cells: none<Cell>(),
      seen: false,
      // Some users' texts fail, run long or puzzle the model more often than others'.
      clumsy: random.uniform() < 0.2 ? 3 : 0.5,
      slow: 40 * Math.exp(0.4 * random.normal()),
      sure: 0.8 + 0.1 * random.normal(),
    };
  });
  for (let i = 1; i <= traffic.requests; i++) {
    // A few users send most of the traffic.
    const user = users[Math.floor(traffic.users * random.uniform() ** 2)];
    const { arm } = user;
    if (arm !== undefined) {
      const error = random.uniform() < traffic.errors[arm] * (traffic.errors[arm] < 0.2 ? user.clumsy : 1);
      const answered = {
        latency_ms: user.slow * Math.exp(0.5 * random.normal()),
        confidence: Math.min(1, user.sure + 0.1 * random.normal()),
        abstained: random.uniform() < 0.1,
      };
      addValues(arms[arm].moments, user.cells, valuesOf(error ? undefined : answered));
      if (!user.seen) arms[arm].units += 1;
      user.seen = true;
    }
    if (i % traffic.every !== 0) continue;
    const decision = decide(arms satisfies readonly MeasuredArm[], traffic.guardrails);
    if (decision.action !== 'continue') return { decision, requests: i };
  }
  return undefined;
}

function none<T>(): Record<string, T> {
  return {};
}

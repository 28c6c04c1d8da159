// The chance that an endpoint answers a request, given how its last answers were and how often this very request has failed there.

import type { Outcomes } from './outcome-window.ts';

/** Weight of the belief that an endpoint is well, in answers, and that belief. */
const PRIOR_ANSWERS = 10;
const PRIOR_SHARE = 0.99;
/** Share of requests that an endpoint which answers others well will always fail: too long, the wrong expert, a defect. */
const STUBBORN = 0.01;

/**
 * The chance in (0, 1). A failure speaks of the request where the endpoint answers others, and of the endpoint where it fails many: then
 * the next try there may well succeed.
 * @param outcomes of the endpoint's window, this request's own failures among them
 * @param failures how often this request has failed there
 * Source: ours; Bayes' rule over "fails always" (prior 0.01) and "fails as often as others"
 */
export function answerOdds({ good, bad }: Outcomes, failures: number): number {
  const others = good + Math.max(0, bad - failures);
  const share = (good + PRIOR_ANSWERS * PRIOR_SHARE) / (others + PRIOR_ANSWERS);
  const byChance = (1 - STUBBORN) * (1 - share) ** failures;
  // Better than well is not told apart: the endpoint that happened to answer more would be asked ever more.
  return (byChance / (STUBBORN + byChance)) * Math.min(share, PRIOR_SHARE);
}

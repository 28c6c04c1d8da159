// How a shadow's answer compares with the one that the caller got.

import type { Prediction } from '../../contract/http.ts';
import type { ShadowObservation } from './state.ts';

/** Compares two answers to one input. */
export function compareAnswers(answer: Prediction, shadow: Prediction): ShadowObservation {
  const latency_ms = shadow.timing.total_ms;
  // The configs' routers may disagree about the task; then the scores are about unlike things.
  if (answer.task !== shadow.task) return { latency_ms, agrees: answer.label === null ? undefined : false, distance: undefined };
  const classes = new Set([...Object.keys(answer.scores), ...Object.keys(shadow.scores)]);
  let difference = 0;
  for (const name of classes) difference += Math.abs((answer.scores[name] ?? 0) - (shadow.scores[name] ?? 0));
  const regression = answer.label === null;
  return { latency_ms, agrees: regression ? undefined : answer.label === shadow.label, distance: regression ? difference : difference / 2 };
}

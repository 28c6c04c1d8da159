// An answer in one sentence.

import type { Prediction } from '../../../contract/http.ts';
import { percent, plain } from '../../format/number.ts';

/** `sst2: positive, 98.1 %`. */
export function inWords({ task, label, scores, output }: Prediction): string {
  if (output !== undefined) return `${task}: ${label ?? output.text.trim()}, as text`;
  if (label !== null) return `${task}: ${label}, ${percent(scores[label] ?? 0)}`;
  return `${task}: ${Object.entries(scores)
    .map(([name, value]) => `${name} ${plain(value)}`)
    .join(', ')}`;
}

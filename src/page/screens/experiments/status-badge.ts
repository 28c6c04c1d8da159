// What happens to an experiment's requests now.

import type { ExperimentStatus } from '../../../contract/experiment-report.ts';
import { badge, type Tone } from '../../parts/badge.ts';

const SHOWN: Readonly<Record<ExperimentStatus, readonly [text: string, tone: Tone]>> = {
  running: ['running', 'good'],
  frozen: ['frozen', 'warn'],
  rolled_back: ['rolled back', 'bad'],
  stopped: ['stopped', 'quiet'],
};

/** The badge. */
export function statusBadge(status: ExperimentStatus): HTMLElement {
  return badge(...SHOWN[status]);
}

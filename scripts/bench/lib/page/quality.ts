// How good the sample pack is, on the page.

import type { QualityReport } from '../../quality.bench.ts';
import type { Section } from './section.ts';

/** The section. */
export function qualitySection({ whole }: QualityReport): Section {
  const sample = whole.find(({ setting }) => setting.startsWith('experts/twin.yaml'));
  const own = sample?.own;
  return {
    title: 'Quality',
    about: 'In percent of each expert’s own score; the tables are in [quality.md](quality.md).',
    lines:
      own === undefined
        ? []
        : [
            {
              what: 'The sample pack, oracle route, test rows',
              target: '≥ 98.5',
              measured: own.oracle.all.toFixed(2),
              met: own.oracle.all >= 98.5,
            },
            ...(own.routed === undefined
              ? []
              : [
                  {
                    what: 'The same, routed, router from up to 3,000 training rows a task',
                    target: '≥ 97',
                    measured: own.routed.all.toFixed(2),
                    met: own.routed.all >= 97,
                  },
                ]),
            ...(own.routingAccuracy === undefined
              ? []
              : [
                  {
                    what: 'Its routing accuracy',
                    target: '≥ 0.985',
                    measured: own.routingAccuracy.toFixed(4),
                    met: own.routingAccuracy >= 0.985,
                  },
                ]),
          ],
  };
}

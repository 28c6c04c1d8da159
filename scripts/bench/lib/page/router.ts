// The light router, on the page.

import type { RouterReport } from '../../router.bench.ts';
import { barPlot } from '../plot/bars.ts';
import type { Line, Section } from './section.ts';

/** Least accuracy from the project's own examples. */
const OWN_ACCURACY = 0.85;

/** The section. */
export function routerSection({ device, split, results }: RouterReport): Section {
  const named = (regime: string): string => (regime === 'own' ? 'the project’s own examples' : `${regime} a task`);
  return {
    title: 'Router',
    about: `Accuracy over all ${split} rows of the eight tasks, every row alike. Ours learns on ${device} and scores on one thread; fastText has the best of four settings on the validation rows.`,
    lines: results.map((result): Line => {
      const isOurs = result.who !== 'fastText';
      const peer = results.find((other) => other.who === 'fastText' && other.regime === result.regime);
      const least = result.regime === 'own' ? OWN_ACCURACY : peer?.accuracy;
      return {
        what: `${isOurs ? 'Router' : 'fastText'} from ${result.rows} rows (${named(result.regime)})`,
        ...(isOurs &&
          least !== undefined && {
            target: `≥ ${result.regime === 'own' ? least : `${least.toFixed(4)} (fastText)`}`,
            met: result.accuracy >= least,
          }),
        measured: `${result.accuracy.toFixed(4)}; ${result.megabytes.toFixed(2)} MB; trained in ${result.trainSeconds.toFixed(1)} s; ${result.microsecondsPerText.toFixed(0)} µs a text`,
      };
    }),
    plots: [
      {
        file: 'router.svg',
        about: 'Accuracy of the router and of fastText',
        svg: barPlot(
          'Routing accuracy',
          'share of rows sent to their own expert',
          results.map(({ who, regime, accuracy }) => ({
            name: `${who}, ${named(regime)}`,
            value: accuracy,
            colour: who === 'fastText' ? 2 : 0,
            ...(regime === 'own' && who !== 'fastText' && { target: OWN_ACCURACY }),
          })),
        ),
      },
    ],
  };
}

// The report of measured packs, for people. report.json has the same numbers for machines.

import type { Manifest } from '../../contract/manifest.ts';
import type { MeasuredPack, MeasuredReport } from '../../contract/measured-report.ts';
import type { Report, Section } from '../document.ts';
import { energySection } from '../pack/energy-section.ts';
import { sizeSection } from '../pack/size-section.ts';
import { routerBlocks } from '../router-blocks.ts';
import { comparisonSection } from './comparison-section.ts';
import { scoreBlocks } from './score-section.ts';

/**
 * The report of packs on labelled rows.
 * @param manifests those of `report.packs`, in their order
 */
export function measuredReport(report: MeasuredReport, manifests: readonly Manifest[]): Report {
  const { packs } = report;
  const titled = (title: string, { label }: MeasuredPack): string => (packs.length > 1 ? `${label}: ${title.toLowerCase()}` : title);
  return {
    title: packs.length > 1 ? `${packs.length} packs on labelled rows` : `Pack ${packs[0].label} on labelled rows`,
    sections: [
      methodSection(report),
      comparisonSection(packs),
      ...packs.flatMap((pack, i) =>
        [
          { title: 'Scores', blocks: scoreBlocks(pack) },
          { title: 'Router', blocks: routerBlocks({ ...pack.routing, curve: pack.routing.calibration }) },
          sizeSection(manifests[i], pack.latency.tokens),
          energySection(manifests[i]),
        ].flatMap((section) => (section === undefined ? [] : [{ ...section, title: titled(section.title, pack) }])),
      ),
    ],
  };
}

function methodSection({ split, limit, machine, packs }: MeasuredReport): Section {
  const { tokens, runs } = packs[0].latency;
  return {
    title: 'What was measured',
    blocks: [
      {
        kind: 'text',
        text: `Rows of the ${split} split, ${limit === null ? 'all of them' : `the first ${limit} of each task at most`}. Routed is what a caller gets: the router's mix and head, and a row that went to another expert counts as wrong. Oracle: the task's own expert. Shared: the shared model alone, with the expert's head. Individual: the expert itself. Base: the base with the head of the expert, which was trained on another encoder; it says what fine-tuning the encoder is worth. Percentages of scores are of the expert itself on the same rows; the standard error is of that percentage, by resampling rows.`,
      },
      {
        kind: 'text',
        text: `Latency is of one request of ${tokens} tokens (the median of these rows), alone, with its own expert, through the pack's session with all experts held, ${runs} times: without network, queue and tokenizer. Machine: ${machine.cores} × ${machine.cpu}, ${machine.platform}, Node ${machine.node}, onnxruntime on the CPU; its load when the measurements began was ${machine.load.toFixed(2)} (other work on the machine makes all times longer).`,
      },
    ],
  };
}

// A device beside the CPU, on the page.

import type { DevicesReport } from '../../devices.bench.ts';
import type { Section } from './section.ts';

/** The section. */
export function devicesSection({ device, rows, batch, logits, otherLabels, rowsPerSecond }: DevicesReport): Section {
  return {
    title: 'Devices',
    about: `The sample pack on ${device.name} in ${device.precision} (${device.why}) beside the CPU in fp32, ${rows} rows in batches of ${batch}, in turn.`,
    lines: [
      {
        what: 'Rows a second over those of the CPU',
        measured: `${(rowsPerSecond.device / rowsPerSecond.cpu).toFixed(2)} (${rowsPerSecond.device.toFixed(0)} and ${rowsPerSecond.cpu.toFixed(0)})`,
      },
      {
        what: 'Largest difference of a logit',
        measured: `${logits.largestDifference.toPrecision(2)} of at most ${logits.largest.toFixed(1)}`,
      },
      { what: 'Rows with another label', measured: `${otherLabels} of ${rows}` },
    ],
    notes: ['[devices.md](devices.md) tells how a device is chosen.'],
  };
}

// The table of exactness for the sample pack, whose encoder is a trained one: docs/origin.md has the figures.

import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { createRandom } from '../../src/core/random.ts';
import { differences, randomRows, serveInEveryWay, WAYS } from '../helpers/exactness.ts';

const SAMPLE = 'packs/sample';
const there = existsSync(SAMPLE);

test.skipIf(!there)(
  `the sample pack is answered in every way as its dense merge answers${there ? '' : ' (skipped: not built here)'}`,
  async () => {
    const served = await serveInEveryWay(SAMPLE);
    const worst = WAYS.map(() => 0);
    // Rows twice, as what was brought for the first run may be gone.
    for (const seed of [7, 7, 8]) {
      const found = await differences(served, randomRows(served, createRandom(seed), 6, 100));
      for (const [i, difference] of found.entries()) worst[i] = Math.max(worst[i], difference);
    }
    await served.close();
    console.log(JSON.stringify(Object.fromEntries(WAYS.map(({ name }, i) => [name, worst[i]]))));
    expect(WAYS.filter(({ bound }, i) => !(worst[i] <= bound))).toEqual([]);
  },
);

// A pack whose gates mix inside the model, behind a server of the Open Inference Protocol: logits and weights are an origin's.

import { join } from 'node:path';
import { expect, test } from 'vitest';
import * as z from 'zod/mini';
import { withPack } from '../../../src/cli/open-pack-folder.ts';
import { Prediction } from '../../../src/contract/http.ts';
import { startOrigin } from '../../../src/origin/index.ts';
import { loadPredictor } from '../../../src/origin/load-pack.ts';
import { serveRepository } from '../../helpers/engines/oip-server.ts';
import { prepareEdge } from '../../helpers/prepare-edge.ts';
import { runCli } from '../../helpers/run-cli.ts';
import { buildTinyPack, makeTinyInputs, tinyText } from '../../helpers/tiny-pack.ts';

async function predict(url: string, body: object): Promise<Prediction> {
  const response = await fetch(`${url}/v1/predict`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return z.parse(Prediction, await response.json());
}

test('gates are read as an origin tells them', async () => {
  const inputs = await makeTinyInputs({}, 1, 'wemoe');
  const path = await buildTinyPack(inputs);
  const out = join(inputs.models.dir, 'repository');
  expect((await runCli('export', path, '--format', 'triton', out)).code).toBe(0);
  const server = await serveRepository(out);
  const { config, prepared, origin } = await withPack(path, async (pack) => ({
    config: pack.manifest.config,
    prepared: await prepareEdge([pack]),
    origin: await startOrigin({ predictors: [await loadPredictor(pack)], version: '0', log: () => undefined }),
  }));
  const endpoint = { id: 'triton', engine: 'triton', url: server.url, experts: '*', configs: [config] };
  const edges = await Promise.all([
    prepared.start({}, { LOG_LEVEL: 'error', ENDPOINTS: JSON.stringify([endpoint]) }),
    prepared.start({ origin: origin.url }, { LOG_LEVEL: 'error' }),
  ]);
  try {
    for (const [i, task] of ['birds', 'ships', 'stars'].entries()) {
      const [ours, theirs] = await Promise.all(edges.map(({ url }) => predict(url, { text: tinyText(task, i), task })));
      expect(ours).toMatchObject({ task, label: theirs.label, usage: theirs.usage });
      expect(ours.scores).toEqual(
        Object.fromEntries(Object.entries(theirs.scores).map(([name, score]) => [name, expect.closeTo(score, 4)])),
      );
      expect(ours.mix).toEqual(theirs.mix.map(({ expert, weight }) => ({ expert, weight: expect.closeTo(weight, 4) })));
    }
  } finally {
    for (const edge of edges) await edge.close();
    await origin.close();
    await server.close();
    await prepared.remove();
    await inputs.models.remove();
  }
});

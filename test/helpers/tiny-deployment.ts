// A whole deployment of the tiny pack: an origin, a hop before it that a test may turn bad, and edges in workerd that know only the hop.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { RunningEdge } from '../../src/cli/dev/start-edge.ts';
import { openPack } from '../../src/formats/pack.ts';
import { createSha256, openFolder } from '../../src/host/files.ts';
import { startOrigin } from '../../src/origin/index.ts';
import { loadPredictor } from '../../src/origin/load-pack.ts';
import { listen } from './listen.ts';
import { prepareEdge } from './prepare-edge.ts';
import { buildTinyPack, makeTinyInputs } from './tiny-pack.ts';

/** What the hop does with a request: `passOn` gives it the origin's answer. */
export type Hop = (body: Buffer, response: ServerResponse, passOn: () => Promise<void>) => Promise<void> | void;

/** The deployment. */
export interface TinyDeployment {
  /** Starts an edge as `PreparedEdge.start` does. */
  startEdge(variables: Readonly<Record<string, string>>, kept?: 'kept'): Promise<RunningEdge>;
  close(): Promise<void>;
}

/** Builds the pack and starts its origin and the hop. */
export async function startTinyDeployment(hop: Hop): Promise<TinyDeployment> {
  const inputs = await makeTinyInputs();
  const folder = await openFolder(await buildTinyPack(inputs));
  const pack = await openPack(folder, createSha256);
  const predictors = [await loadPredictor(pack, undefined, { threads: 1 })];
  const origin = await startOrigin({ predictors, version: 'test', log: () => undefined });
  const proxy = await listen((request, response) => {
    passThrough(origin.url, hop, request, response).catch(() => response.destroy());
  });
  const prepared = await prepareEdge([pack]);
  return {
    startEdge: (variables, kept) => prepared.start({ proxy: proxy.url }, variables, kept),
    async close() {
      await proxy.close();
      await origin.close();
      await folder.close();
      await inputs.models.remove();
      await prepared.remove();
    },
  };
}

/** One request through a hop before `target`. */
export async function passThrough(target: string, hop: Hop, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(Buffer.from(chunk));
  const body = Buffer.concat(chunks);
  await hop(body, response, async () => {
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(target + (request.url ?? ''), { method: 'POST', headers, body });
    response.writeHead(answer.status, headers).end(await answer.text());
  });
}

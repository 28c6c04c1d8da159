// The paths of the Open Inference Protocol v2.

import { setImmediate as nextTurn } from 'node:timers/promises';
import { Hono, type Context } from 'hono';
import { TwinrouteError } from '../core/errors.ts';
import { DEADLINE_HEADER, JSON_LENGTH_HEADER, OipIndexRequest } from '../contract/oip.ts';
import { parseJsonWith } from '../contract/parse.ts';
import { signReceipt } from '../formats/signing/receipt.ts';
import type { Clock } from './clock.ts';
import { deadlineOf } from './deadline.ts';
import { admit, type DrainGate } from './drain-gate.ts';
import { infer } from './infer.ts';
import { readInputs } from './infer-inputs.ts';
import { metadataOf } from './model-metadata.ts';
import type { ModelTable } from './model-table.ts';
import { decodeJsonText, decodeRequest, encodeAnswer } from './oip-codec.ts';
import { checkMediaType, readBody } from './request-body.ts';
import type { OriginEnv } from './request-id.ts';
import type { Trust } from './signed-requests.ts';

/** Parts of the protocol beyond its core that this server speaks: Triton's binary tensors and index, and our mixes and routing. */
const EXTENSIONS = ['binary_tensor_data', 'model_repository(index)', 'twinroute_mix', 'twinroute_routing'];

/** What the routes need. */
export interface OipDeps {
  readonly table: ModelTable;
  readonly gate: DrainGate;
  readonly clock: Clock;
  /** Version of this program. */
  readonly version: string;
  /** Longest time a request may take, whatever its header says. */
  readonly maxDeadlineMs: number;
  /** Whose requests get a signed receipt. */
  readonly trust?: Trust | undefined;
}

/** Routes to mount at `/v2`. */
export function oipRoutes({ table, gate, clock, version, maxDeadlineMs, trust }: OipDeps): Hono<OriginEnv> {
  const routes = new Hono<OriginEnv>();
  const ready = (): 200 | 503 => (gate.draining ? 503 : 200);
  /** The body, read already where it had to be verified. */
  const bodyOf = async (c: Context<OriginEnv>): Promise<Uint8Array> => c.var.signed?.body ?? readBody(c.req.raw, { clock, maxDeadlineMs });
  const modelOf = (c: Context<OriginEnv>) => table.find(c.req.param('model') ?? '', c.req.param('version'));

  routes.get('/', (c) => c.json({ name: 'twinroute', version, extensions: EXTENSIONS }));
  routes.get('/health/live', (c) => c.json({ live: true }));
  routes.get('/health/ready', (c) => c.json({ ready: !gate.draining }, ready()));

  routes.post('/repository/index', admit(gate), async (c) => {
    const body = await bodyOf(c);
    if (body.length > 0) parseJsonWith(OipIndexRequest, decodeJsonText(body), 'body', 'invalid_request');
    // Every model is loaded before the server listens, so whether only ready ones are asked for makes no difference.
    return c.json(table.models.map(({ name, predictor }) => ({ name, version: predictor.version, state: 'READY', reason: '' })));
  });

  for (const path of ['/models/:model', '/models/:model/versions/:version']) {
    routes.get(path, admit(gate), (c) => {
      const model = modelOf(c);
      return c.json(metadataOf(model, table.versions(model.name)));
    });
    routes.get(`${path}/ready`, (c) => c.json({ name: modelOf(c).name, ready: !gate.draining }, ready()));
    routes.post(`${path}/infer`, admit(gate), async (c) => {
      const deadline = deadlineOf(c.req.header(DEADLINE_HEADER), clock.now(), maxDeadlineMs);
      const model = modelOf(c);
      checkMediaType(c.req.raw.headers);
      const decoded = decodeRequest(await bodyOf(c), c.req.header(JSON_LENGTH_HEADER));
      const { signal } = c.req.raw;
      const inputs = await readInputs(model, decoded, async () => {
        await nextTurn();
        if (signal.aborted || clock.now() >= deadline)
          throw new TwinrouteError('timeout', 'origin: the deadline passed before all texts were read');
      });
      const { outputs, mixes, tokens, queueMs, computeMs } = await infer(model, inputs, { deadline, signal });
      const { body, headers } = encodeAnswer({ modelName: model.name, modelVersion: model.predictor.version, outputs }, decoded.request);
      const { signed, requestId: id } = c.var;
      const { version: config } = model.predictor;
      const receipt =
        trust === undefined || signed === undefined
          ? {}
          : await signReceipt(trust, signed.request, 200, bytesOf(body), {
              id,
              config,
              rows: mixes.length,
              tokens,
              ...(mixes.length === 1 && { mix: mixes[0] }),
            });
      return c.body(body, 200, {
        ...headers,
        ...receipt,
        'server-timing': `queue;dur=${queueMs.toFixed(2)}, compute;dur=${computeMs.toFixed(2)}`,
      });
    });
  }
  return routes;
}

function bytesOf(body: Uint8Array | string): Uint8Array {
  return typeof body === 'string' ? new TextEncoder().encode(body) : body;
}

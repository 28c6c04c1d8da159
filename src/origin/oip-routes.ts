// The paths of the Open Inference Protocol v2.

import { Hono, type Context } from 'hono';
import type { DeviceChoice } from '../host/devices/select-device.ts';
import { OIP_EXTENSIONS, OipIndexRequest, type OipIndex, type OipServerMetadata } from '../contract/oip.ts';
import { parseJsonWith } from '../contract/parse.ts';
import { ReceiptsRequest, type ReceiptsAnswer } from '../contract/receipt-book.ts';
import { decodeJsonText } from '../formats/oip/codec.ts';
import { isTwinrouteError } from '../core/errors.ts';
import type { Clock } from './clock.ts';
import { admit, type DrainGate } from './drain-gate.ts';
import { inferRoute } from './infer-route.ts';
import { configOf, metadataOf } from './model-metadata.ts';
import { watchInference } from './observe/watch-inference.ts';
import type { OriginWatch } from './observe/watch.ts';
import type { MemoryGuard } from './memory/memory-guard.ts';
import type { ModelTable } from './model-table.ts';
import type { Repository } from './repository/repository.ts';
import { readBody } from './request-body.ts';
import type { OriginEnv } from './request-id.ts';
import type { Trust } from './signed-requests.ts';

/** What the routes need. */
export interface OipDeps {
  readonly table: ModelTable;
  /** Where models come from, when they come and go. */
  readonly repository?: Repository | undefined;
  readonly gate: DrainGate;
  readonly clock: Clock;
  /** Version of this program. */
  readonly version: string;
  /** Longest time a request may take, whatever its header says. */
  readonly maxDeadlineMs: number;
  /** Whose requests get a signed receipt. */
  readonly trust?: Trust | undefined;
  /** What models run on, for metadata. */
  readonly device?: DeviceChoice | undefined;
  /** Who refuses work when memory runs out; nobody when undefined. */
  readonly memory?: MemoryGuard | undefined;
  /** Told of inferences. */
  readonly watch?: OriginWatch | undefined;
}

/** Routes to mount at `/v2`. */
export function oipRoutes(deps: OipDeps): Hono<OriginEnv> {
  const { table, gate, clock, version, maxDeadlineMs, device } = deps;
  const routes = new Hono<OriginEnv>();
  const ready = (): 200 | 503 => (gate.leaving ? 503 : 200);
  const modelOf = (c: Context<OriginEnv>) => table.find(c.req.param('model') ?? '', c.req.param('version'));

  const metadata: OipServerMetadata = {
    name: 'twinroute',
    version,
    extensions: [...OIP_EXTENSIONS],
    ...(device !== undefined && { parameters: { device: device.name, dtype: device.precision, device_why: device.why } }),
  };
  routes.get('/', (c) => c.json(metadata));
  routes.get('/health/live', (c) => c.json({ live: true }));
  routes.get('/health/ready', (c) => c.json({ ready: !gate.leaving }, ready()));

  routes.post('/repository/index', admit(gate), async (c) => {
    const body = c.var.signed?.body ?? (await readBody(c.req.raw, { clock, maxDeadlineMs }));
    const asked = body.length > 0 ? parseJsonWith(OipIndexRequest, decodeJsonText(body), 'body', 'invalid_request') : {};
    const index = modelIndex(deps).filter(({ state }) => asked.ready !== true || state === 'READY');
    return c.json(index satisfies OipIndex);
  });

  const book = deps.trust?.book;
  if (book !== undefined)
    routes.post('/receipts', async (c) => {
      const { signed } = c.var;
      const asked = parseJsonWith(ReceiptsRequest, decodeJsonText(signed?.body ?? new Uint8Array(0)), 'body', 'invalid_request');
      return c.json(book.read(asked.since_ms, asked.cursor) satisfies ReceiptsAnswer);
    });

  for (const path of ['/models/:model', '/models/:model/versions/:version']) {
    routes.get(path, admit(gate), (c) => {
      const model = modelOf(c);
      return c.json(metadataOf(model, table.versions(model.name)));
    });
    routes.get(`${path}/ready`, (c) => {
      try {
        return c.json({ name: modelOf(c).name, ready: !gate.leaving }, ready());
      } catch (error) {
        if (!isTwinrouteError(error) || error.code !== 'unavailable') throw error;
        return c.json({ name: c.req.param('model') ?? '', ready: false }, 503);
      }
    });
    routes.get(`${path}/config`, admit(gate), (c) => {
      const model = modelOf(c);
      return c.json(configOf(model, table.versions(model.name), device));
    });
    if (deps.watch !== undefined) routes.use(`${path}/infer`, watchInference(deps.watch, clock));
    routes.post(`${path}/infer`, admit(gate), inferRoute(deps));
  }
  return routes;
}

/** Served models, and after them the packs that are not. */
function modelIndex({ table, repository }: Pick<OipDeps, 'table' | 'repository'>): OipIndex {
  const packs = repository?.index() ?? [];
  const served = table.models.map(({ name, predictor: { version } }) => ({
    name,
    version,
    state: 'READY' as const,
    reason: packs.find((pack) => pack.name === name && pack.version === version)?.reason ?? '',
  }));
  return [...served, ...packs.filter(({ state }) => state !== 'READY')];
}

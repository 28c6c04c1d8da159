// Loading and unloading for the operator: Triton's model repository calls, behind a token. Edges have no part in it, so nothing here is signed.

import { createHash, timingSafeEqual } from 'node:crypto';
import { Hono, type MiddlewareHandler } from 'hono';
import { TwinrouteError } from '../../core/errors.ts';
import { OipLoadRequest } from '../../contract/oip.ts';
import { parseJsonWith } from '../../contract/parse.ts';
import { decodeJsonText } from '../../formats/oip/codec.ts';
import { admit, type DrainGate } from '../drain-gate.ts';
import type { ModelTable } from '../model-table.ts';
import type { Predictor } from '../predictor.ts';
import { readBody, type BodyDeps } from '../request-body.ts';
import type { OriginEnv } from '../request-id.ts';
import type { Repository } from './repository.ts';

/** What the routes need. */
export interface AdminDeps extends BodyDeps {
  readonly table: ModelTable;
  readonly gate: DrainGate;
  readonly repository: Repository | undefined;
  /** The operator's; nobody may when undefined. */
  readonly adminToken: string | undefined;
}

/** What to do with a model, or with one of its experts. */
interface Verb {
  readonly model: (repository: Repository, name: string) => Promise<void>;
  readonly expert: (pages: NonNullable<Predictor['pages']>, name: string) => Promise<void>;
}

const VERBS: Readonly<Record<'load' | 'unload', Verb>> = {
  load: { model: (repository, name) => repository.load(name), expert: (pages, name) => pages.load(name) },
  unload: { model: (repository, name) => repository.unload(name), expert: async (pages, name) => pages.unload(name) },
};

/** Routes to mount at `/v2/repository/models`. */
export function adminRoutes(deps: AdminDeps): Hono<OriginEnv> {
  const { table, gate, repository, adminToken } = deps;
  const routes = new Hono<OriginEnv>();
  routes.use('/*', operatorOnly(adminToken));
  for (const [word, verb] of Object.entries(VERBS)) {
    routes.post(`/:model/${word}`, admit(gate), async (c) => {
      const name = c.req.param('model');
      const experts = expertsOf(await readBody(c.req.raw, deps));
      if (experts === undefined) {
        if (repository === undefined) throw new TwinrouteError('unsupported', 'repository: expected packs of folders, got fixed ones');
        await verb.model(repository, name);
      } else await eachExpert(table.find(name).predictor, experts, verb.expert);
      return c.body(null, 200);
    });
  }
  return routes;
}

function expertsOf(body: Uint8Array): readonly string[] | undefined {
  if (body.length === 0) return undefined;
  const { parameters = {} } = parseJsonWith(OipLoadRequest, decodeJsonText(body), 'body', 'invalid_request');
  const { experts, unload_dependents: _none, ...others } = parameters;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined)
    throw new TwinrouteError(
      'unsupported',
      `parameters: expected experts, got "${unknown.slice(0, 100)}"; models come from the server's own folders`,
      {
        param: 'parameters',
      },
    );
  return experts?.split(',');
}

async function eachExpert({ name, experts, pages }: Predictor, names: readonly string[], work: Verb['expert']): Promise<void> {
  if (pages === undefined) throw new TwinrouteError('unsupported', `${name}: expected a pack whose experts are held one by one`);
  for (const expert of names)
    if (!experts.some((served) => served.name === expert))
      throw new TwinrouteError('not_found', `experts: expected experts of ${name}, got "${expert.slice(0, 100)}"`, { param: 'experts' });
  for (const expert of names) await work(pages, expert);
}

/** Refuses whoever has not the token, in the same time whatever was sent. */
function operatorOnly(token: string | undefined): MiddlewareHandler<OriginEnv> {
  const expected = token === undefined ? undefined : hashOf(`Bearer ${token}`);
  return async function operatorOnlyMiddleware(c, next) {
    if (expected === undefined)
      throw new TwinrouteError('forbidden', 'repository: loading and unloading is off; the server was given no admin_token');
    if (!timingSafeEqual(hashOf(c.req.header('authorization') ?? ''), expected))
      throw new TwinrouteError('unauthorized', "repository: expected the operator's token as authorization: Bearer …");
    await next();
  };
}

function hashOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

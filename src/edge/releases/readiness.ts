// Whether origins are ready for a config. They hold packs of their own, so a config can be published that nobody serves; each endpoint that would be
// asked for it is asked whether it has it.

import type { EdgeBundle } from '../../contract/edge-bundle.ts';
import type { Endpoint, EndpointTokens } from '../../contract/endpoint.ts';
import { DEADLINE_HEADER, REQUEST_ID_HEADER } from '../../contract/oip.ts';
import type { ReadinessAnswer } from '../../contract/release.ts';
import { messageOf } from '../../core/errors.ts';
import { holds } from '../../core/placement.ts';
import { engineAt } from '../engines/registry.ts';
import { tokenHeader } from '../engines/token-header.ts';
import { signRequest, type SigningContext } from '../../formats/signing/request-signature.ts';

/** Longest wait for an endpoint. */
const ASK_MS = 5_000;

/** What asking needs. */
export interface ReadinessDeps {
  readonly endpoints: readonly Endpoint[];
  readonly endpointTokens?: EndpointTokens | undefined;
  readonly fetch: typeof fetch;
  readonly signing: SigningContext | undefined;
  readonly newId: () => string;
}

/** Asks every endpoint that serves the config, by what the edge was told of it. */
export async function askReadiness(deps: ReadinessDeps, { name, config, experts }: EdgeBundle): Promise<ReadinessAnswer> {
  const serving = deps.endpoints.filter(({ configs }) => configs?.includes(config) !== false);
  const endpoints = await Promise.all(serving.map(async (endpoint) => ({ endpoint, ...(await ask(deps, endpoint, { name, config })) })));
  const ready = endpoints.filter((asked) => asked.ready);
  return {
    config,
    endpoints: endpoints.map(({ endpoint: { id }, ready, detail }) => ({ id, ready, detail })),
    missing: experts.map((expert) => expert.name).filter((expert) => !ready.some(({ endpoint }) => holds(endpoint, expert))),
  };
}

async function ask(
  { fetch, signing, newId, endpointTokens = {} }: ReadinessDeps,
  endpoint: Endpoint,
  bundle: Pick<EdgeBundle, 'name' | 'config'>,
): Promise<{ ready: boolean; detail: string }> {
  const engine = engineAt(endpoint);
  const request = {
    method: 'GET',
    url: engine.configUrl?.(bundle) ?? engine.readyUrl,
    headers: { [REQUEST_ID_HEADER]: newId(), [DEADLINE_HEADER]: String(ASK_MS), ...tokenHeader(endpointTokens, endpoint) },
  };
  try {
    const { headers } = signing === undefined || !engine.signs ? request : await signRequest(signing, request, new Uint8Array(0));
    const response = await fetch(request.url, { headers: { ...headers }, redirect: 'manual', signal: AbortSignal.timeout(ASK_MS) });
    await response.body?.cancel();
    const ready = response.status === 200;
    return { ready, detail: ready ? 'ready' : `status ${response.status}` };
  } catch (error) {
    return { ready: false, detail: `no answer: ${messageOf(error).slice(0, 200)}` };
  }
}

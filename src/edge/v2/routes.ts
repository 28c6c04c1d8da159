// The Open Inference Protocol v2, so that clients of Triton and KServe work unchanged.

import type { Context } from 'hono';
import { HTTP_LIMITS } from '../../contract/http.ts';
import {
  OIP_EXTENSIONS,
  OipIndexRequest,
  type OipIndex,
  type OipLive,
  type OipModelReady,
  type OipReady,
  type OipServerMetadata,
} from '../../contract/oip.ts';
import { parseJsonWith } from '../../contract/parse.ts';
import { VERSION } from '../../contract/version.ts';
import { decodeJsonText } from '../../formats/oip/codec.ts';
import { modelConfig } from '../../formats/oip/model-config.ts';
import type { AnsweringDeps } from '../answering.ts';
import type { ApiOperation } from '../openapi/operation.ts';
import { readBody } from '../read-json.ts';
import type { Route } from '../route.ts';
import type { EdgeTypes } from '../types.ts';
import { inferHandler } from './infer-route.ts';
import { findModel, metadataOf, servedVersions, type ServedModel } from './served-models.ts';

/** What these routes share. */
const COMMON = { method: 'get', access: 'key', errorBody: 'OipError' } as const satisfies Partial<ApiOperation>;

/** These routes. */
export function protocolRoutes(deps: AnsweringDeps): readonly Route[] {
  return [...serverRoutes(deps), ...modelRoutes(deps, '/v2/models/{model}'), ...modelRoutes(deps, '/v2/models/{model}/versions/{version}')];
}

function serverRoutes(deps: AnsweringDeps): readonly Route[] {
  return [
    {
      ...COMMON,
      path: '/v2',
      access: 'public',
      summary: 'Names the server and the extensions of the protocol that it speaks',
      answer: 'OipServerMetadata',
      handler: (c) => c.json({ name: 'twinroute', version: VERSION, extensions: [...OIP_EXTENSIONS] } satisfies OipServerMetadata),
    },
    {
      ...COMMON,
      path: '/v2/health/live',
      access: 'public',
      summary: 'Tells that the server lives',
      answer: 'OipLive',
      handler: (c) => c.json({ live: true } satisfies OipLive),
    },
    {
      ...COMMON,
      path: '/v2/health/ready',
      access: 'public',
      summary: 'Tells whether a request would find an endpoint; status 503 when not',
      answer: 'OipReady',
      async handler(c) {
        const { configs } = await deps.bundles.index();
        const ready = isReady(deps, configs[0].config);
        return c.json({ ready } satisfies OipReady, ready ? 200 : 503);
      },
    },
    {
      ...COMMON,
      method: 'post',
      path: '/v2/repository/index',
      summary: 'Lists the models and versions that the key allows',
      answer: 'OipIndex',
      errors: ['invalid_request', 'too_large'],
      async handler(c) {
        const body = await readBody(c.req.raw, HTTP_LIMITS.bodyBytes, HTTP_LIMITS.bodyMs);
        if (body.length > 0) parseJsonWith(OipIndexRequest, decodeJsonText(body), 'body', 'invalid_request');
        const versions = await servedVersions(deps.bundles, c.get('tenant'));
        return c.json(
          versions.map(({ name, config }) => ({ name, version: config, state: 'READY' as const, reason: '' })) satisfies OipIndex,
        );
      },
    },
  ];
}

/** The routes of a model; the path names it, and perhaps its version. */
function modelRoutes(deps: AnsweringDeps, path: string): readonly Route[] {
  const modelOf = (c: Context<EdgeTypes>): Promise<ServedModel> =>
    findModel(deps.bundles, c.get('tenant'), c.req.param('model') ?? '', c.req.param('version'));
  return [
    {
      ...COMMON,
      path,
      summary: "Tells a model's versions, inputs and outputs",
      answer: 'OipModelMetadata',
      errors: ['not_found'],
      handler: async (c) => c.json(metadataOf(await modelOf(c))),
    },
    {
      ...COMMON,
      path: `${path}/config`,
      summary: "Tells the same in the words of Triton's model configuration",
      answer: 'OipModelConfig',
      errors: ['not_found'],
      handler: async (c) => c.json(modelConfig(metadataOf(await modelOf(c)), ['text'])),
    },
    {
      ...COMMON,
      path: `${path}/ready`,
      summary: 'Tells whether a request of the model would find an endpoint; status 503 when not',
      answer: 'OipModelReady',
      errors: ['not_found'],
      async handler(c) {
        const { name, bundle } = await modelOf(c);
        const ready = isReady(deps, bundle.config);
        return c.json({ name, ready } satisfies OipModelReady, ready ? 200 : 503);
      },
    },
    {
      ...COMMON,
      method: 'post',
      path: `${path}/infer`,
      access: 'predict',
      summary: 'Answers a batch of texts, given as tensors',
      description: `The inputs text, text_pair, mix and head, each with a row for each text, at most ${HTTP_LIMITS.batch}; what a row says neither mix nor head for is routed. Tensors may stand behind the JSON as bytes (the binary tensor data extension, application/octet-stream), and bodies may be compressed. A row that fails fails the request.`,
      request: 'OipRequest',
      answer: 'OipResponse',
      otherwise: {
        type: 'application/octet-stream',
        description: 'JSON, as many bytes as the header inference-header-content-length says, and the outputs that were asked for in bytes',
      },
      charged: true,
      // Who names a config is in nobody's experiment.
      parameters: path.endsWith('{version}') ? ['timeout'] : ['timeout', 'arm'],
      errors: ['forbidden', 'not_found', 'unsupported', 'upstream', 'timeout'],
      handler: inferHandler(deps),
    },
  ];
}

/** Whether an endpoint would be asked, by what this isolate knows. */
function isReady({ endpoints, fleets, now }: AnsweringDeps, config: string): boolean {
  const fleet = fleets.of(config);
  return endpoints
    .filter(({ configs }) => configs?.includes(config) ?? true)
    .some(({ id }) => ['up', 'full'].includes(fleet.of(id).state(now())));
}

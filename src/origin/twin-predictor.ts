// A pack's encoder with its heads as a predictor: a batch comes out cut into rows.
//
// Letters: B rows, P gated parts, E experts, C classes of a head, d hidden width.

import { isTwinrouteError, messageOf, TwinrouteError } from '../core/errors.ts';
import type { FloatTensor } from '../core/tensor.ts';
import type { Manifest } from '../contract/manifest.ts';
import type { Tokenizer } from '../formats/tokenizer.ts';
import type { Session } from '../model/session.ts';
import type { GraphHead } from '../model/twin-parameters.ts';
import { argmax } from '../core/routing/score.ts';
import type { EncodedRows, Encoder } from './encoder.ts';
import type { HeadStore } from './head-store.ts';
import { createOriginRouter } from './origin-router.ts';
import type { Predictor, PredictorOutput } from './predictor.ts';

/** Parts of a served pack. */
export interface TwinParts {
  readonly manifest: Manifest;
  /** Names of the served experts, in the order of mixes. */
  readonly experts: readonly string[];
  readonly encoder: Encoder;
  /** Their output layers. */
  readonly heads: HeadStore;
  /** Cuts to the pack's `max_tokens`. */
  readonly tokenizer: Pick<Tokenizer, 'encode'>;
  /** The origin router's graph, `features [B, d]` → `logits [B, classes]`, when the pack has one. */
  readonly routerSession?: Session;
}

/**
 * A predictor over the pack's encoder. It owns the encoder and the session and frees them in `release`.
 * @throws {TwinrouteError} `not_found` for an expert that the pack has not, `incompatible` for a config without sizes
 */
export function createTwinPredictor({ manifest, experts, encoder, heads, tokenizer, routerSession }: TwinParts): Predictor {
  const served = experts.map((name) => {
    const expert = manifest.experts.find((candidate) => candidate.name === name);
    if (expert === undefined)
      throw new TwinrouteError('not_found', `origin: expected experts of pack ${manifest.name}, got "${name}"`, { param: name });
    return { name, labels: expert.labels, problem: expert.problem };
  });
  if (served.length === 0) throw new TwinrouteError('config', `origin: expected at least one resident expert of pack ${manifest.name}`);
  const { config } = manifest.architecture;
  const gated = manifest.gates && manifest.experts.map((expert) => expert.name);
  const router =
    routerSession !== undefined && manifest.origin_router !== undefined
      ? createOriginRouter(manifest.origin_router, experts, routerSession)
      : undefined;

  return {
    name: manifest.name,
    version: manifest.config,
    experts: served,
    ...(gated !== undefined && { gated }),
    maxTokens: manifest.max_tokens,
    vocabulary: sizeIn(config, 'vocab_size'),
    segments: sizeIn(config, 'type_vocab_size'),
    encode: (text, pair) => tokenizer.encode(text, pair),
    instances: encoder.instances,
    run: (rows, instance) =>
      asDefect(manifest.name, async () => {
        const encoded = await encoder.run(rows, instance);
        await heads.bring(rows.map(({ mix }) => argmax(mix)));
        return rowsOf(encoded, heads);
      }),
    async prepare(mix, head = argmax(mix)) {
      await heads.bring([head]);
      await encoder.prepare?.(mix);
    },
    ...(encoder.pages !== undefined && { pages: encoder.pages }),
    ...(encoder.promotions !== undefined && { promotions: encoder.promotions }),
    ...(encoder.relieve !== undefined && { relieve: encoder.relieve }),
    ...(encoder.choose !== undefined && { choose: encoder.choose }),
    ...(router !== undefined && { route: (features, topK) => asDefect(manifest.name, () => router(features, topK)) }),
    async release() {
      await encoder.release();
      await routerSession?.release();
    },
  };
}

/** Whatever a graph objects to has passed the checks of the request, so it is our defect and not the caller's; unless the device is gone, which another origin may have. */
async function asDefect<T>(pack: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const code = isTwinrouteError(cause) && cause.code === 'unavailable' ? 'unavailable' : 'internal';
    throw new TwinrouteError(code, `origin: a graph of ${pack} failed: ${messageOf(cause)}`, { cause });
  }
}

/** One output per row; the rows alias the encoder's fresh tensors. */
function rowsOf({ pooled, features, gates }: EncodedRows, heads: HeadStore): readonly PredictorOutput[] {
  const [batch, width] = pooled.shape;
  if (!pooled.data.every(Number.isFinite)) throw new TwinrouteError('numeric', 'pooled: expected finite values');
  return Array.from({ length: batch }, (_, i) => {
    const own = pooled.data.subarray(i * width, (i + 1) * width);
    return {
      logits: (expert) => applyHead(heads.of(expert), own),
      features: features.data.subarray(i * features.shape[1], (i + 1) * features.shape[1]),
      ...(gates !== undefined && { gates: meanOfParts(gates, i) }),
    };
  });
}

/** `W · x + b`, `[C]`, summed in f64. */
function applyHead({ weight, bias }: GraphHead, x: Float32Array): Float32Array {
  return bias.data.map((start, c) => {
    let sum = start;
    for (let j = 0; j < x.length; j++) sum += weight.data[c * x.length + j] * x[j];
    return sum;
  });
}

/** Mean over parts of row `i` of `[B, P, E]`. */
function meanOfParts({ shape: [, parts, experts], data }: FloatTensor, i: number): Float32Array {
  return Float32Array.from({ length: experts }, (_, e) => {
    let sum = 0;
    for (let part = 0; part < parts; part++) sum += data[(i * parts + part) * experts + e];
    return sum / parts;
  });
}

function sizeIn(config: Readonly<Record<string, unknown>>, key: string): number {
  const value = config[key];
  if (typeof value === 'number' && Number.isInteger(value) && value > 0) return value;
  throw new TwinrouteError('incompatible', `origin: expected ${key} in the pack's architecture, got ${String(value)}`, { param: key });
}

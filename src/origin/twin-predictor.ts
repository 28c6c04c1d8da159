// A pack's merged graph as a predictor: a batch goes in padded to its longest row, and comes out cut into rows.
//
// Letters: B rows, T tokens of the longest row, E resident experts, ΣC classes of all their heads, d hidden width.

import { messageOf, TwinrouteError } from '../core/errors.ts';
import { expectFloat, floatTensor, type FloatTensor, type Tensor } from '../core/tensor.ts';
import type { Manifest } from '../contract/manifest.ts';
import type { Tokenizer } from '../formats/tokenizer.ts';
import { encoderFeeds } from '../model/encoder-feeds.ts';
import type { Session } from '../model/session.ts';
import { createOriginRouter } from './origin-router.ts';
import type { Predictor, PredictorOutput, PredictorRow } from './predictor.ts';

/** Parts of a served pack. */
export interface TwinParts {
  readonly manifest: Manifest;
  /** Names of the resident experts, in the order in which the graph was emitted. */
  readonly experts: readonly string[];
  /** The graph: `input_ids`, `attention_mask`, `token_type_ids` `[B, T]`, `mix [B, E]` → `logits [B, ΣC]`, `features [B, d]`, and `gates [B, P, E]` from gates. */
  readonly session: Session;
  /** Cuts to the pack's `max_tokens`. */
  readonly tokenizer: Pick<Tokenizer, 'encode'>;
  /** The origin router's graph, `features [B, d]` → `logits [B, classes]`, when the pack has one. */
  readonly routerSession?: Session;
}

/**
 * A predictor over the pack's graph. It owns the sessions and frees them in `release`.
 * @throws {TwinrouteError} `not_found` for an expert that the pack has not, `incompatible` for a config without sizes
 */
export function createTwinPredictor({ manifest, experts, session, tokenizer, routerSession }: TwinParts): Predictor {
  const served = experts.map((name) => {
    const expert = manifest.experts.find((candidate) => candidate.name === name);
    if (expert === undefined)
      throw new TwinrouteError('not_found', `origin: expected experts of pack ${manifest.name}, got "${name}"`, { param: name });
    return { name, labels: expert.labels, problem: expert.problem };
  });
  if (served.length === 0) throw new TwinrouteError('config', `origin: expected at least one resident expert of pack ${manifest.name}`);
  const { config } = manifest.architecture;
  const classes = served.reduce((sum, expert) => sum + expert.labels.length, 0);
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
    run: (rows) =>
      asDefect(manifest.name, async () => {
        const { logits, features, gates } = await session.run(feedsOf(rows, served.length));
        return rowsOf(
          expectFloat(logits, [rows.length, classes], 'logits'),
          expectFloat(features, [rows.length, features?.shape[1] ?? 0], 'features'),
          gated && expectFloat(gates, [rows.length, gates?.shape[1] ?? 0, gated.length], 'gates'),
        );
      }),
    ...(router !== undefined && { route: (features, topK) => asDefect(manifest.name, () => router(features, topK)) }),
    async release() {
      await session.release();
      await routerSession?.release();
    },
  };
}

/** Whatever a graph objects to has passed the checks of the request, so it is our defect and not the caller's. */
async function asDefect<T>(pack: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw new TwinrouteError('internal', `origin: a graph of ${pack} failed: ${messageOf(cause)}`, { cause });
  }
}

/** Rows as the graph's inputs. */
function feedsOf(rows: readonly PredictorRow[], experts: number): Record<string, Tensor> {
  const mix = new Float32Array(rows.length * experts);
  for (const [i, row] of rows.entries()) mix.set(row.mix, i * experts);
  return { ...encoderFeeds(rows), mix: floatTensor([rows.length, experts], mix) };
}

/** One output per row; the rows alias the graph's fresh tensors. */
function rowsOf(logits: FloatTensor, features: FloatTensor, gates: FloatTensor | undefined): readonly PredictorOutput[] {
  const [batch, classes] = logits.shape;
  const width = features.shape[1];
  if (!logits.data.every(Number.isFinite)) throw new TwinrouteError('numeric', 'logits: expected finite values');
  return Array.from({ length: batch }, (_, i) => ({
    logits: logits.data.subarray(i * classes, (i + 1) * classes),
    features: features.data.subarray(i * width, (i + 1) * width),
    ...(gates !== undefined && { gates: meanOfParts(gates, i) }),
  }));
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

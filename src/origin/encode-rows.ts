// Rows through a graph that ends before the heads.

import { expectFloat, type Tensor } from '../core/tensor.ts';
import { encoderFeeds } from '../model/encoder-feeds.ts';
import type { Session } from '../model/session.ts';
import type { EncodedRows } from './encoder.ts';
import type { PredictorRow } from './predictor.ts';

/**
 * Runs the rows.
 * @param more feeds beside the tokens
 * @throws {TwinrouteError} `shape` when the graph has other outputs
 */
export async function encodeRows(
  session: Session,
  rows: readonly PredictorRow[],
  more: Readonly<Record<string, Tensor>>,
): Promise<EncodedRows> {
  const { pooled, features, gates } = await session.run({ ...encoderFeeds(rows), ...more });
  return {
    pooled: expectFloat(pooled, [rows.length, pooled?.shape[1] ?? 0], 'pooled'),
    features: expectFloat(features, [rows.length, features?.shape[1] ?? 0], 'features'),
    gates: gates && expectFloat(gates, gates.shape, 'gates'),
  };
}

/** Tokens that a run of these rows computes: padding is computed, too. */
export function paddedTokens(rows: readonly PredictorRow[]): number {
  return rows.length * Math.max(...rows.map(({ ids }) => ids.length));
}

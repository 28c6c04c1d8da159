// Rows through a graph that ends before the heads.

import { expectFloat, type Tensor } from '../core/tensor.ts';
import type { Session } from '../model/session.ts';
import type { EncodedRows } from './encoder.ts';

/**
 * Runs the rows.
 * @param rows how many they are
 * @throws {TwinrouteError} `shape` when the graph has other outputs
 */
export async function encodeRows(session: Session, rows: number, feeds: Readonly<Record<string, Tensor>>): Promise<EncodedRows> {
  const { pooled, features, gates } = await session.run(feeds);
  return {
    pooled: expectFloat(pooled, [rows, pooled?.shape[1] ?? 0], 'pooled'),
    features: expectFloat(features, [rows, features?.shape[1] ?? 0], 'features'),
    gates: gates && expectFloat(gates, gates.shape, 'gates'),
  };
}

// What the state of an experiment keeps, as rows.

import { addValues, type Cell, type Moments, type Values } from '../../core/experiment/moments.ts';
import { addToSketch, type QuantileSketch } from '../../core/experiment/quantile-sketch.ts';
import type { AuditEntry } from '../../contract/experiment-report.ts';

/** Arm of units that the holdout kept out. */
export const HELD = -1;
/** Arm of shadow answers; it has no units. */
export const SHADOW = -2;

/** Statements of migrate.ts. */
export const EXPERIMENT_MIGRATIONS = [
  'CREATE TABLE arms (arm INTEGER PRIMARY KEY, units INTEGER NOT NULL, moments TEXT NOT NULL, latencies TEXT NOT NULL)',
  // One row a unit and not one for each of its metrics: rows written are what the state costs.
  'CREATE TABLE units (unit TEXT PRIMARY KEY, arm INTEGER NOT NULL, cells TEXT NOT NULL) WITHOUT ROWID',
  `CREATE TABLE requests (tenant TEXT, id TEXT, unit TEXT NOT NULL, at_ms INTEGER NOT NULL, outcomes TEXT NOT NULL,
     PRIMARY KEY (tenant, id)) WITHOUT ROWID`,
  'CREATE TABLE batches (id TEXT PRIMARY KEY, at_ms INTEGER NOT NULL) WITHOUT ROWID',
  'CREATE TABLE audit (seq INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL, event TEXT NOT NULL, reason TEXT NOT NULL)',
] as const;

/** One arm's sums. */
export interface ArmSums {
  units: number;
  readonly moments: Record<string, Moments>;
  readonly latencies: QuantileSketch;
}

/** A request that outcomes may be about. */
export interface StoredRequest {
  readonly unit: string;
  readonly arm: number;
  /** Names of the outcomes that it has. */
  readonly outcomes: readonly string[];
}

/** Rows written are what this state costs: an arm that did not change is none. */
const SAVE_ARM = `INSERT INTO arms VALUES (?, ?, ?, ?)
  ON CONFLICT (arm) DO UPDATE SET units = excluded.units, moments = excluded.moments, latencies = excluded.latencies
  WHERE (units, moments, latencies) IS NOT (excluded.units, excluded.moments, excluded.latencies)`;

/** Sums of all arms, read once and written back together. */
export function openArms(sql: SqlStorage): { of(arm: number): ArmSums; save(): void } {
  const arms = new Map<number, ArmSums>();
  for (const row of sql.exec<{ arm: number; units: number; moments: string; latencies: string }>('SELECT * FROM arms'))
    arms.set(row.arm, { units: row.units, moments: JSON.parse(row.moments), latencies: JSON.parse(row.latencies) });
  return {
    of(arm) {
      const sums = arms.get(arm) ?? { units: 0, moments: {}, latencies: {} };
      arms.set(arm, sums);
      return sums;
    },
    save() {
      for (const [arm, { units, moments, latencies }] of arms)
        sql.exec(SAVE_ARM, arm, units, JSON.stringify(moments), JSON.stringify(latencies));
    },
  };
}

/**
 * Adds one request's values to its unit and to the unit's arm; the arm's sums are changed, not yet saved.
 * @returns false, and adds nothing, when the unit is known from another arm: what it does now is no longer that arm's doing alone
 */
export function addToUnit(sql: SqlStorage, sums: ArmSums, unit: { readonly id: string; readonly arm: number }, values: Values): boolean {
  const row = sql.exec<{ arm: number; cells: string }>('SELECT arm, cells FROM units WHERE unit = ?', unit.id).toArray().at(0);
  if (row !== undefined && row.arm !== unit.arm) return false;
  const cells: Record<string, Cell> = row === undefined ? {} : JSON.parse(row.cells);
  if (row === undefined) sums.units += 1;
  addValues(sums.moments, cells, values);
  sql.exec('INSERT OR REPLACE INTO units VALUES (?, ?, ?)', unit.id, unit.arm, JSON.stringify(cells));
  return true;
}

/** Counts a latency for an arm's quantiles. */
export function addLatency(sums: ArmSums, latencyMs: number): void {
  addToSketch(sums.latencies, latencyMs);
}

/** Remembers whose answer an id was. */
export function rememberRequest(sql: SqlStorage, tenant: string, id: string, unit: string, nowMs: number): void {
  sql.exec("INSERT OR IGNORE INTO requests VALUES (?, ?, ?, ?, '')", tenant, id, unit, nowMs);
}

/** The request of that tenant with that id. */
export function findRequest(sql: SqlStorage, tenant: string, id: string): StoredRequest | undefined {
  const row = sql
    .exec<{ unit: string; arm: number; outcomes: string }>(
      'SELECT requests.unit AS unit, arm, outcomes FROM requests JOIN units ON units.unit = requests.unit WHERE tenant = ? AND id = ?',
      tenant,
      id,
    )
    .toArray()
    .at(0);
  return row && { unit: row.unit, arm: row.arm, outcomes: row.outcomes.split(' ').filter((name) => name !== '') };
}

/** Notes the names of a request's outcomes. */
export function saveOutcomes(sql: SqlStorage, tenant: string, id: string, outcomes: readonly string[]): void {
  sql.exec('UPDATE requests SET outcomes = ? WHERE tenant = ? AND id = ?', outcomes.join(' '), tenant, id);
}

/** Whether this batch is new; it no longer is after the call. */
export function isNewBatch(sql: SqlStorage, id: string, nowMs: number): boolean {
  return sql.exec('INSERT OR IGNORE INTO batches VALUES (?, ?) RETURNING id', id, nowMs).toArray().length > 0;
}

/** Writes to the audit log. */
export function audit(sql: SqlStorage, nowMs: number, event: AuditEntry['event'], reason: string): void {
  sql.exec('INSERT INTO audit (at_ms, event, reason) VALUES (?, ?, ?)', nowMs, event, reason);
}

/** The latest entries of the audit log, oldest first. */
export function readAudit(sql: SqlStorage, limit: number): AuditEntry[] {
  return sql
    .exec<{ at_ms: number; event: AuditEntry['event']; reason: string }>(
      'SELECT at_ms, event, reason FROM audit ORDER BY seq DESC LIMIT ?',
      limit,
    )
    .toArray()
    .reverse()
    .map(({ at_ms, event, reason }) => ({ time: new Date(at_ms).toISOString(), event, reason }));
}

/** Forgets batches before `batchesMs`, requests before `requestsMs` and all but the latest `requests` of those. */
export function forget(
  sql: SqlStorage,
  limits: { readonly batchesMs: number; readonly requestsMs: number; readonly requests: number },
): void {
  sql.exec('DELETE FROM batches WHERE at_ms < ?', limits.batchesMs);
  sql.exec('DELETE FROM requests WHERE at_ms < ?', limits.requestsMs);
  sql.exec('DELETE FROM requests WHERE at_ms < (SELECT at_ms FROM requests ORDER BY at_ms DESC LIMIT 1 OFFSET ?)', limits.requests);
}

/** Whether there is nothing left to forget. */
export function isEmpty(sql: SqlStorage): boolean {
  return sql.exec('SELECT 1 FROM requests UNION ALL SELECT 1 FROM batches LIMIT 1').toArray().length === 0;
}

// How an experiment's intervals moved: a bounded number of points over any length of time. When there are too many, every second one goes and the
// next ones come half as often.

import { HISTORY_POINTS, type ExperimentReport, type HistoryPoint } from '../../contract/experiment-report.ts';

/** Statements of migrate.ts. */
export const HISTORY_MIGRATIONS = ['CREATE TABLE history (seq INTEGER PRIMARY KEY, point TEXT NOT NULL)'] as const;

/** Time between the first points. A row for every few batches, which write several each. */
const SPACING_MS = 10_000;
/** Where the clock of the history lies among the object's key-value pairs. */
const CLOCK = 'history';

/** When the next point is due. */
interface Clock {
  readonly spacingMs: number;
  readonly nextMs: number;
  readonly count: number;
}

const EVERY_SECOND = `DELETE FROM history WHERE seq IN (
  SELECT seq FROM (SELECT seq, ROW_NUMBER() OVER (ORDER BY seq) AS place FROM history) WHERE place % 2 = 0)`;

/** Keeps a point when one is due. @param report made only then */
export function noteHistory({ sql, kv }: DurableObjectStorage, nowMs: number, report: () => ExperimentReport): void {
  const { spacingMs, nextMs, count } = kv.get<Clock>(CLOCK) ?? { spacingMs: SPACING_MS, nextMs: 0, count: 0 };
  if (nowMs < nextMs) return;
  sql.exec('INSERT INTO history (point) VALUES (?)', JSON.stringify(pointOf(report(), nowMs)));
  const full = count + 1 >= HISTORY_POINTS;
  if (full) sql.exec(EVERY_SECOND);
  const wider = full ? 2 * spacingMs : spacingMs;
  kv.put(CLOCK, { spacingMs: wider, nextMs: nowMs + wider, count: full ? Math.ceil((count + 1) / 2) : count + 1 } satisfies Clock);
}

/** The points, oldest first. */
export function readHistory(sql: SqlStorage): HistoryPoint[] {
  return sql
    .exec<{ point: string }>('SELECT point FROM history ORDER BY seq')
    .toArray()
    .map(({ point }) => readPoint(point));
}

function pointOf({ arms, differences }: ExperimentReport, nowMs: number): HistoryPoint {
  return {
    time: new Date(nowMs).toISOString(),
    arms: arms.map(({ name, exposures, metrics }) => ({
      name,
      exposures,
      metrics: Object.fromEntries(Object.entries(metrics).map(([metric, { estimate, low, high }]) => [metric, { estimate, low, high }])),
    })),
    differences,
  };
}

/** What `noteHistory` wrote; the object is the only writer of its tables. */
function readPoint(text: string): HistoryPoint {
  return JSON.parse(text);
}

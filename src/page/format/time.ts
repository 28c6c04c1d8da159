// Times of day and dates in the reader's own zone.

/** `14:03:11`. */
export function clock(ms: number): string {
  return new Date(ms).toLocaleTimeString('en-GB');
}

/** `24 Nov 2026, 14:03`. */
export function moment(ms: number): string {
  return new Date(ms).toLocaleString('en-GB', { day: 'numeric', month: 'short', year: 'numeric', hour: '2-digit', minute: '2-digit' });
}

/** `24 Nov`. */
export function day(ms: number): string {
  return new Date(ms).toLocaleDateString('en-GB', { day: 'numeric', month: 'short' });
}

/** The day as it sorts: `2026-11-24`, in UTC, as the ledger counts days. */
export function dayKey(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

/** How a point on an axis over `spanMs` is written. */
export function tickOf(ms: number, spanMs: number): string {
  const date = new Date(ms);
  if (spanMs < 600_000) return date.toLocaleTimeString('en-GB');
  if (spanMs < 129_600_000) return date.toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' });
  return day(ms);
}

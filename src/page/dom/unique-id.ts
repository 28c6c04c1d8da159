// Ids that tie a label to what it labels.

let count = 0;

/** An id that no other element has. */
export function uniqueId(prefix: string): string {
  count += 1;
  return `${prefix}-${count}`;
}

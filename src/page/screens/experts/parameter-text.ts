// A parameter's value in a line.

/** Numbers and words as they are; what has parts as `name value, …`. */
export function parameterText(value: unknown): string {
  if (Array.isArray(value)) return value.map((item) => parameterText(item)).join(', ');
  if (typeof value === 'object' && value !== null)
    return Object.entries(value)
      .map(([name, part]) =>
        typeof part === 'object' && part !== null ? `${name} (${parameterText(part)})` : `${name} ${parameterText(part)}`,
      )
      .join(', ');
  return String(value);
}

// Whether a caller wants an answer as lines of JSON.

const LINES = /^application\/(x-ndjson|ndjson|jsonl)$/i;
const JSON_TYPES = /^(application\/json|application\/\*|\*\/\*)$/i;

/** Whether the `accept` header names NDJSON, and wants it no less than JSON. Source: RFC 9110, 12.5.1 */
export function acceptsLines(accept: string | undefined): boolean {
  let lines = 0;
  let json = 0;
  for (const range of (accept ?? '').split(',')) {
    const [type, ...parameters] = range.split(';').map((part) => part.trim());
    const given = parameters.find((parameter) => /^q=/i.test(parameter))?.slice(2);
    const quality = given === undefined ? 1 : Number(given);
    if (LINES.test(type)) lines = Math.max(lines, quality);
    if (JSON_TYPES.test(type)) json = Math.max(json, quality);
  }
  return lines > 0 && lines >= json;
}

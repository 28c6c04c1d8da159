// What others answer, as JSON.

/** The value, or undefined for other bytes: whoever reads it says what was expected, and a status says more than a broken body. */
export function parseBody(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
}

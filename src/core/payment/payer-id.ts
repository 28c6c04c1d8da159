// How a payer without an account is named as one: `x402-<chain>-<address>`, which no account that an operator made is.

const PAYER = /^x402-[1-9]\d{0,17}-0x[0-9a-f]{40}$/;

/**
 * The payer's id.
 * @param chain number of the EVM chain, in decimal
 * @param address in lower case
 */
export function payerId(chain: string, address: string): string {
  return `x402-${chain}-${address}`;
}

/** Whether a text is a payer's id. */
export function isPayerId(text: string): boolean {
  return PAYER.test(text);
}

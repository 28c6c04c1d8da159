// Money: whole micro-units (a millionth of the price list's currency) in ordinary numbers. SQLite in a Durable Object and JSON both carry
// whole numbers exactly up to 2^53 and no bigint, so a bigint would only be converted back and forth; instead every amount that comes in is
// held below a limit that keeps all sums exact.

/** Largest amount, and largest balance of an account: 10^15 micro-units are a thousand million units; nine such sums stay below 2^53. */
export const MAX_MICROS = 1e15;

// An origin's book of the receipts that it gave: its lines on disk, and how an edge asks for them.

import * as z from 'zod/mini';
import { Count } from './names.ts';
import { Receipt } from './receipt.ts';

/** Receipts of one answer of a book. */
export const RECEIPTS_PAGE = 2_000;

/** One line. */
export const BookedReceipt = z.extend(Receipt, {
  /** When it was signed, milliseconds since 1970. */
  at_ms: Count,
  /** Of the request that it answers, as its signature has it. */
  nonce: z.string().check(z.minLength(1), z.maxLength(100)),
});
export type BookedReceipt = z.infer<typeof BookedReceipt>;

const Cursor = z.string().check(z.regex(/^\d{1,16}:\d{1,9}$/, 'expected the next of an earlier answer'));

/** Body of `POST /v2/receipts`; only signed requests are answered. */
export const ReceiptsRequest = z.strictObject({
  /** Earliest receipt, milliseconds since 1970. */
  since_ms: Count,
  /** `next` of the answer before. */
  cursor: z.optional(Cursor),
});

/** Its answer: receipts in the order in which they were given. */
export const ReceiptsAnswer = z.strictObject({
  receipts: z.array(BookedReceipt),
  /** Since when the book is complete, milliseconds since 1970. */
  from_ms: Count,
  /** Where to go on; absent at the end. */
  next: z.optional(Cursor),
});
export type ReceiptsAnswer = z.infer<typeof ReceiptsAnswer>;

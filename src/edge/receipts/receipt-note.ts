// What a ledger keeps of an origin's receipt.

import { canonicalJson } from '../../core/canonical-json.ts';
import type { ReceiptNote } from '../../core/ledger/entry.ts';
import type { Receipt } from '../../contract/receipt.ts';
import type { GivenReceipt } from '../origin-client.ts';
import { sha256Hex } from '../sha256.ts';

/** Hex digits of a mix's hash that are kept: nobody gains from two mixes that share them. */
const HASH_CHARS = 16;

/** The note of an answer's receipt. @param cached whether the answer was kept from before */
export async function receiptNote({ receipt, nonce }: GivenReceipt, endpoint: string, cached: boolean): Promise<ReceiptNote> {
  const { config, tokens, mix } = receipt;
  return { nonce, endpoint, config, tokens, mix: await mixHash(mix), ...(cached && { cached }) };
}

/** The hash of what was mixed; that of nothing where the receipt names no mix. */
export async function mixHash(mix: Receipt['mix']): Promise<string> {
  return (await sha256Hex(canonicalJson(mix ?? {}))).slice(0, HASH_CHARS);
}

// A model that cannot be opened or read, as a finding: the reader's own message, and what helps.

import type { Finding } from '../../core/diagnose/findings.ts';
import type { TwinrouteError } from '../../core/errors.ts';
import { BASE_HASH_KEY } from '../../formats/lora-expert.ts';

const ADVICE = {
  broken_weights:
    'Save the expert again from a checkpoint before its training diverged, or copy the file again if it was damaged; a build refuses it.',
  other_tokenizer: 'Train the expert again with the tokenizer of the base, or leave it out; a build refuses it.',
  other_base: 'Name the base that it was trained on as base_model, or train it again on this one; a build refuses it.',
  does_not_fit: 'Name the base that it was trained on as base_model, or convert the expert as the message says; a build refuses it.',
} as const satisfies Partial<Record<Finding['code'], string>>;

/** The finding for an expert that was refused. */
export function refusalOf(expert: string, error: TwinrouteError): Finding {
  const code = codeOf(error);
  return { code, experts: [expert], message: `${expert} cannot be merged: ${error.message}`, advice: ADVICE[code] };
}

function codeOf({ code, param }: TwinrouteError): keyof typeof ADVICE {
  if (code === 'format') return 'broken_weights';
  if (code === 'incompatible' && param === 'tokenizer.json') return 'other_tokenizer';
  return code === 'incompatible' && param === BASE_HASH_KEY ? 'other_base' : 'does_not_fit';
}

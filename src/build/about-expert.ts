// What the edge tells people about an expert, out of its pack.

import { EXAMPLE_CHARS, type AboutExpert } from '../contract/edge-bundle.ts';
import type { ManifestExpert } from '../contract/manifest.ts';
import type { Sample } from './samples.ts';

/**
 * An expert's facts.
 * @param bytes of its file
 * @param sample one of its texts, if the pack has any
 */
export function aboutExpert({ format, tensors, provenance }: ManifestExpert, bytes: number, sample: Sample | undefined): AboutExpert {
  const ranks = tensors.flatMap(({ kind, rank }) => (kind === 'factored' ? [rank] : []));
  const kept = tensors.flatMap(({ kind, kept_energy: share }) => (kind === 'unchanged' ? [] : [share]));
  return {
    format,
    bytes,
    ...(ranks.length > 0 && { ranks: { lowest: Math.min(...ranks), highest: Math.max(...ranks), mean: mean(ranks) } }),
    ...(kept.length > 0 && { kept_energy: { lowest: Math.min(...kept), mean: mean(kept) } }),
    license: provenance.license,
    source: provenance.source,
    ...(sample !== undefined && {
      example: { text: cut(sample.text), ...(sample.text_pair !== undefined && { text_pair: cut(sample.text_pair) }) },
    }),
  };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function cut(text: string): string {
  return text.slice(0, EXAMPLE_CHARS).toWellFormed();
}

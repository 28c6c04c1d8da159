// The samples of packs, sent down the whole path of a running edge.

import { ErrorBody, Prediction } from '../../contract/http.ts';
import { parseWith } from '../../contract/parse.ts';
import { messageOf, TwinrouteError } from '../../core/errors.ts';
import { readSamples, type Sample as PackSample } from '../../build/samples.ts';
import type { Pack } from '../../formats/pack.ts';

/** One sample of a pack. */
export interface Sample extends PackSample {
  /** The config to ask. */
  readonly config: string;
}

/** What became of a sample. */
export interface SampleAnswer {
  readonly sample: Sample;
  readonly milliseconds: number;
  readonly outcome: { readonly ok: true; readonly prediction: Prediction } | { readonly ok: false; readonly message: string };
}

/** The pack's samples with the config that is to answer them. */
export async function samplesOf(pack: Pack): Promise<readonly Sample[]> {
  return (await readSamples(pack)).map((row) => ({ ...row, config: pack.manifest.config }));
}

/**
 * Asks the edge at `url` for a sample, waiting as a caller would.
 * @param key the caller's key, where the edge wants one
 */
export async function askSample(url: string, sample: Sample, key?: string): Promise<SampleAnswer> {
  const { expert: _expected, ...input } = sample;
  const startedAt = performance.now();
  try {
    const response = await fetch(`${url}/v1/predict`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(key !== undefined && { authorization: `Bearer ${key}` }) },
      body: JSON.stringify({ ...input, explain: true }),
    });
    const answer: unknown = await response.json();
    const milliseconds = performance.now() - startedAt;
    if (!response.ok) throw new TwinrouteError('upstream', parseWith(ErrorBody, answer, 'answer', 'upstream').error.message);
    return { sample, milliseconds, outcome: { ok: true, prediction: parseWith(Prediction, answer, 'answer', 'upstream') } };
  } catch (error) {
    return { sample, milliseconds: performance.now() - startedAt, outcome: { ok: false, message: messageOf(error) } };
  }
}

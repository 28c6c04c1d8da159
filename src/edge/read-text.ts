// What a text that an engine wrote says about a head's classes, or a regression's value.

import type { Prediction } from '../contract/http.ts';
import type { EdgeExpert } from '../contract/edge-bundle.ts';

/** Characters that people and models put around a label. */
const AROUND = /^[\s"'`*.:([]+|[\s"'`*.,:;!?)\]]+$/g;

/**
 * The class that the text names: its whole text or its first line, whatever the case and the marks around it. Nothing is guessed: a text that says
 * more, or something else, names none. For a regression, the number that the text is.
 */
export function readText({ problem, labels }: EdgeExpert, text: string): Pick<Prediction, 'label' | 'scores'> {
  const [line = ''] = text.trim().split('\n');
  const said = plain(line);
  if (problem === 'regression') {
    const value = said === '' ? Number.NaN : Number(said);
    return { label: null, scores: Number.isFinite(value) ? { [labels[0]]: value } : {} };
  }
  const named = labels.filter((label) => plain(label) === said);
  return { label: named.length === 1 ? named[0] : null, scores: {} };
}

function plain(text: string): string {
  return text.replaceAll(AROUND, '').toLowerCase();
}

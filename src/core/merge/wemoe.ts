// WEMoE: the experts' MLPs mixed for each request and layer by small gates, everything else merged once; and E-WEMoE, its small form.
//
// Letters: E experts, d hidden width.

import { createRandom } from '../random.ts';
import { sizeOf } from '../tensor.ts';
import type { LinearMethod } from './method.ts';
import { taskArithmetic } from './task-arithmetic.ts';

/** What sets one form apart from the other. */
export interface WemoeForm {
  /** One gate for each layer, or one for all. */
  readonly per: 'part' | 'model';
  /** Ranks when the config names none. */
  readonly rank: { readonly rank: number } | { readonly budget: { readonly average_rank: number } };
}

/**
 * An MLP computes with W0 + Σ w_e·τ_e, w the mean over tokens of what its gate answers to the token's state, any real numbers (no softmax). Gates
 * of one or two linear layers learn by the entropy of the answers, each text under its own task's head; all other tensors are Task Arithmetic's.
 * Source: Tang et al. 2024, arXiv:2402.00433: λ 0.3, weights of gates from N(0, 0.01²), last bias λ, two layers, Adam 1e-4, 16 texts a task.
 *
 * Deviates in what is served: τ_e of an MLP is a low-rank module, so that a batch of unlike requests is one pass (an adapter of at most that rank
 * is exact but for how it is stored; the paper keeps τ_e whole and adds it up for each request). Padding is left out of the mean. A gate without
 * layers, which the published code has too, is AdaMerging by layers, and not offered.
 *
 * Deviates in how gates learn, by default: on the sample's experts the paper's way (two layers, 1e-4, 100 steps of 8 texts, November 2026) took
 * the held-back entropy from 6.4 to 3.5 and the validation score to 29.3 % of the experts: w came to be alike for all texts, and answers
 * certain because they were always of one class. So gates learn over centred states, where telling texts apart is as near as turning all experts
 * up (the mean goes into the biases afterwards); `diversity` times the entropy of a task's mean answer is taken off the loss, as in information
 * maximisation (Liang et al. 2020, arXiv:2002.08546); and the gate is one layer at a rate of 2e-3. Those gates are kept whose loss on
 * held-back texts is lowest. 60 steps of 8 texts lead to 59.9 % that way, `e_wemoe` to 58.1 % (seed 0, 200 rows a task; Task Arithmetic 47.4 %).
 *
 * E-WEMoE has one gate for all layers and smaller experts.
 * Source: Shen et al. 2024, arXiv:2410.21804. Deviates: it drops nine tenths of τ_e's entries by magnitude; here ranks of 4 on average, dealt out
 * by kept energy per byte, make experts small, since entries that were dropped one by one leave a matrix that no thin product computes.
 */
export const WEMOE_FORMS: Readonly<Record<string, WemoeForm>> = {
  wemoe: { per: 'part', rank: { rank: 16 } },
  e_wemoe: { per: 'model', rank: { budget: { average_rank: 4 } } },
};

/** A method's form of WEMoE; undefined for a method without gates. */
export function wemoeForm(method: string): WemoeForm | undefined {
  return Object.hasOwn(WEMOE_FORMS, method) ? WEMOE_FORMS[method] : undefined;
}

/** The shared model of a gated tensor: the base itself. */
export const baseAlone: LinearMethod = { ...taskArithmetic, name: 'base', coefficients: (_, experts) => experts.map(() => 0) };

/** Standard deviation of a gate's weights before learning. */
const SPREAD = 0.01;

/**
 * Gates before learning, the parameters one after another: weights are drawn, biases are 0, but those that the mix is read from λ.
 * @param parameters names that end in `.weight` or `.bias`
 * @param isLast whether a parameter is of a gate's last layer
 */
export function startGates(
  parameters: readonly { readonly name: string; readonly shape: readonly number[] }[],
  isLast: (name: string) => boolean,
  lambda: number,
  seed: number,
): number[] {
  return parameters.flatMap(({ name, shape }) => {
    const size = sizeOf(shape);
    if (!name.endsWith('.weight')) return Array.from({ length: size }, () => (isLast(name) ? lambda : 0));
    const random = createRandom(seed, name);
    return Array.from({ length: size }, () => SPREAD * random.normal());
  });
}

// Gates: a part of the model (a layer's MLP) whose mix is decided by what enters it, request by request, instead of by the request.
//
// Letters: B batch, T tokens, d hidden width, E experts.

import type { ParameterSpec } from './architecture.ts';
import type { Ops } from './ops.ts';
import type { OpenArchitecture } from './registry.ts';

/** The gates of a model. */
export interface Gates {
  /** Linear layers of a gate; a rectifier stands between two. */
  readonly layers: 1 | 2;
  /** One gate for each part, or one for all: the same weights over each part's own input. */
  readonly per: 'part' | 'model';
}

/** Name before those of a gate's layers. */
function gateOf({ per }: Gates, part: string): string {
  return per === 'model' ? 'gate' : `${part}.gate`;
}

/**
 * Parameters of all gates: `[d, d]` and `[d]` of a first layer where there are two, `[E, d]` and `[E]` of the last.
 * @param experts E
 */
export function gateParameters({ architecture, config, width }: OpenArchitecture, gates: Gates, experts: number): readonly ParameterSpec[] {
  const names = [...new Set(architecture.parts(config).map(({ name }) => gateOf(gates, name)))];
  return names.flatMap((name) => [
    ...(gates.layers === 1
      ? []
      : [
          { name: `${name}.hidden.weight`, shape: [width, width] },
          { name: `${name}.hidden.bias`, shape: [width] },
        ]),
    { name: `${name}.experts.weight`, shape: [experts, width] },
    { name: `${name}.experts.bias`, shape: [experts] },
  ]);
}

/**
 * The mix of a part, `[B, 1, E]`: the mean over tokens of the gate's answer to each, any real numbers. The last layer is linear, so it is
 * taken of the mean, once a request.
 * @param x what enters the part, `[B, T, d]`
 * @param mask `[B, T]`
 */
export function gateMix<V>(ops: Ops<V>, gates: Gates, part: string, x: V, mask: V): V {
  const name = gateOf(gates, part);
  const seen = gates.layers === 1 ? x : ops.relu(ops.linear(`${name}.hidden`, x));
  return ops.linear(`${name}.experts`, ops.meanTokens(seen, mask));
}

/** Whether a parameter of `gateParameters` is of a layer whose answer is the mix. */
export function isLastLayer(parameter: string): boolean {
  return parameter.includes('.experts.');
}

/** Names of the linear layers of `parameters` that read the states. */
export function gateLayers({ layers }: Gates, parameters: readonly ParameterSpec[]): ReadonlySet<string> {
  const last = `.${layers === 1 ? 'experts' : 'hidden'}.weight`;
  return new Set(parameters.flatMap(({ name }) => (name.endsWith(last) ? [name.slice(0, -'.weight'.length)] : [])));
}

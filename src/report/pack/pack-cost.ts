// What a pack weighs and what a request through it costs, from its manifest alone: nothing here is measured.

import type { Manifest, ModuleTensor } from '../../contract/manifest.ts';
import { countMacs } from '../../model/count-macs.ts';
import { openArchitecture } from '../../model/registry.ts';

/** Bytes of a pack by what they are for; absent parts are 0. */
export interface PackBytes {
  readonly total: number;
  readonly shared: number;
  /** The vector that masks are over. */
  readonly unified: number;
  readonly fade: number;
  readonly gates: number;
  /** Of all experts: modules and heads. */
  readonly experts: number;
  readonly routers: number;
  readonly tokenizer: number;
  /** Samples, reports. */
  readonly other: number;
}

/** Bytes by part, of the files that the manifest lists. */
export function packBytes({
  files,
  shared,
  gates,
  experts,
  router,
  origin_router: originRouter,
  tokenizer,
}: Pick<Manifest, 'files' | 'shared' | 'gates' | 'experts' | 'router' | 'origin_router' | 'tokenizer'>): PackBytes {
  const sum = (names: readonly (string | undefined)[]): number =>
    names.reduce((bytes, name) => bytes + (name === undefined ? 0 : (files[name]?.bytes ?? 0)), 0);
  const parts = {
    shared: sum([shared.file]),
    unified: sum([shared.unified?.file]),
    fade: sum([shared.fade?.file]),
    gates: sum([gates?.file]),
    experts: sum(experts.map(({ file }) => file)),
    routers: sum([router?.file, originRouter?.file]),
    tokenizer: sum([tokenizer.file, tokenizer.config_file]),
  };
  const total = sum(Object.keys(files));
  return { total, ...parts, other: total - Object.values(parts).reduce((bytes, part) => bytes + part, 0) };
}

/** FLOPs per token of one graph. */
export interface GraphCost {
  readonly total: number;
  /** Of `total`, what factors beside the shared matrices and gates take. */
  readonly modules: number;
}

/** FLOPs per token. */
export interface PackCost {
  /** `beside`: modules are factors beside the shared matrices. `merged`: weights are merged once for each mix, then cost as plain ones. */
  readonly served: 'beside' | 'merged';
  /** One expert as a model of its own. */
  readonly plain: GraphCost;
  /** An origin that holds that expert alone, by its name: the least that a top-1 mix can cost. Gates need the modules of all. */
  readonly alone: Readonly<Record<string, GraphCost>>;
  /** An origin that holds all experts: each request passes all modules, whatever its mix. */
  readonly all: GraphCost;
}

/**
 * FLOPs per token of the pack's graphs: `2 · (Σ_linear m·n + attention + Σ_factored R·(m + n) + heads) / T`, two a multiply-add, with R the ranks
 * of the resident experts (and of the fade) added up, m × n the matrix, and T the tokens of a request; linears behind the first token (pooler,
 * heads) count once a request. `countMacs` has each term.
 */
export function packCost(
  { architecture, experts, shared, gates }: Pick<Manifest, 'architecture' | 'experts' | 'shared' | 'gates'>,
  tokens: number,
): PackCost {
  const model = openArchitecture(architecture.type, architecture.config);
  const always = shared.fade === undefined ? [] : [shared.fade.tensors];
  const sizesOf = (modules: readonly (readonly ModuleTensor[])[]): ReadonlyMap<string, number> => {
    const sizes = new Map<string, number>();
    for (const { name, kind, rank } of modules.flat())
      sizes.set(name, (sizes.get(name) ?? 0) + (kind === 'factored' ? rank : kind === 'whole' ? 1 : 0));
    return sizes;
  };
  const none = sizesOf([]);
  const cost = (sizes: ReadonlyMap<string, number>, classes: number): GraphCost => {
    const macs = countMacs(model, tokens, {
      size: (name) => sizes.get(name) ?? 0,
      classes,
      // A plain model has none.
      gates: gates !== undefined && sizes !== none ? { ...gates, experts: experts.length } : undefined,
    });
    const perToken = (count: number): number => (2 * count) / tokens;
    return { total: perToken(macs.shared + macs.attention + macs.modules + macs.heads), modules: perToken(macs.modules) };
  };
  const masked = experts.some(({ format }) => format === 'bits');
  const held = masked ? none : sizesOf([...experts.map(({ tensors }) => tensors), ...always]);
  // Gates need the modules of all.
  const sizesAlone = (tensors: readonly ModuleTensor[]): ReadonlyMap<string, number> =>
    masked ? none : gates === undefined ? sizesOf([tensors, ...always]) : held;
  const classes = experts.map(({ labels }) => labels.length);
  return {
    served: masked ? 'merged' : 'beside',
    plain: cost(none, Math.max(...classes)),
    alone: Object.fromEntries(experts.map(({ name, tensors }, t) => [name, cost(sizesAlone(tensors), classes[t])])),
    all: cost(
      held,
      classes.reduce((sum, size) => sum + size, 0),
    ),
  };
}

/** Of the experts the one that is the dearest to hold alone. */
export function dearestAlone({ alone }: PackCost): { readonly name: string; readonly cost: GraphCost } {
  return Object.entries(alone)
    .map(([name, cost]) => ({ name, cost }))
    .reduce((most, expert) => (expert.cost.total > most.cost.total ? expert : most));
}

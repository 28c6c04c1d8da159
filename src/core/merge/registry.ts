// The static merge methods by name. A new method is a file and a row here.

import { TwinrouteError } from '../errors.ts';
import { adaMerging, adaMergingLayer, adaMergingPlus } from './ada-merging.ts';
import type { AdaptiveMethod, SharedMethod } from './adaptive.ts';
import { breadcrumbs, breadcrumbsTies } from './breadcrumbs.ts';
import { dareLinear, dareTies } from './dare.ts';
import { della, dellaLinear } from './della.ts';
import { isoC } from './iso-c.ts';
import { linear } from './linear.ts';
import type { StaticMethod } from './method.ts';
import { modelStock } from './model-stock.ts';
import { passthrough } from './passthrough.ts';
import { regmean } from './regmean.ts';
import { sce } from './sce.ts';
import { nuslerp, slerp } from './slerp.ts';
import { taskArithmetic } from './task-arithmetic.ts';
import { ties } from './ties.ts';
import { tsv } from './tsv.ts';

/** Every static method, in the order in which documents list them. */
export const STATIC_METHODS: readonly StaticMethod[] = [
  taskArithmetic,
  linear,
  ties,
  dareLinear,
  dareTies,
  della,
  dellaLinear,
  breadcrumbs,
  breadcrumbsTies,
  sce,
  modelStock,
  slerp,
  nuslerp,
  tsv,
  isoC,
  passthrough,
];

/** Methods that learn from unlabelled texts first; only where there are texts and a tokenizer, so not in mergekit's files. */
export const ADAPTIVE_METHODS: readonly AdaptiveMethod[] = [adaMerging, adaMergingLayer, adaMergingPlus, regmean];

/**
 * The method of a name, adaptive ones included: what can make a pack's shared model.
 * @throws {TwinrouteError} `config` listing the known names
 */
export function sharedMethod(name: string): SharedMethod {
  return findMethod([...STATIC_METHODS, ...ADAPTIVE_METHODS], name);
}

/**
 * The data-free method of a name.
 * @throws {TwinrouteError} `config` listing the known names
 */
export function staticMethod(name: string): StaticMethod {
  return findMethod(STATIC_METHODS, name);
}

function findMethod<M extends SharedMethod>(methods: readonly M[], name: string): M {
  const method = methods.find((row) => row.name === name);
  if (method !== undefined) return method;
  const known = methods.map((row) => row.name).join(', ');
  throw new TwinrouteError('config', `merge method: expected one of ${known}, got ${JSON.stringify(name)}`, { param: 'shared' });
}

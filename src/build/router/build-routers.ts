// The routers of a pack: the edge's light one, the paper's one for the origin, or both, as the config asks.

import { TwinrouteError } from '../../core/errors.ts';
import type { Progress } from '../../core/progress.ts';
import type { Assessment } from '../../core/routing/calibrate.ts';
import type { Manifest } from '../../contract/manifest.ts';
import { parseWith } from '../../contract/parse.ts';
import { Policy } from '../../contract/policy.ts';
import type { RouterAssessments } from '../../report/pack/pack-report.ts';
import type { Engine } from '../engine/engine.ts';
import type { PackFiles } from '../pack-files.ts';
import type { BuildPlan } from '../plan.ts';
import { trainOriginRouter } from './origin-router.ts';
import { sharedFeatures } from './shared-features.ts';
import { trainRouter, type RouterRow } from './train.ts';

const ROUTER_FILE = 'router.onnx';
const ORIGIN_ROUTER_FILE = 'origin-router.onnx';

/** Top-1 without abstaining: mixing more experts of unlike tasks answers worse (SMILE), and when to abstain is the user's to say. */
const DEFAULT_POLICY = { top_k: 1, threshold: 0, abstain: 0 };
/** Under `auto` the edge leaves to the origin what it is not sure of. */
const AUTO_POLICY = { abstain: 0.5 };

/** ONNX bytes of the pack in the making as an origin runs it before anybody routed; only asked for where the origin routes. */
export type DraftGraph = () => Promise<Uint8Array>;

/** The part of a plan that routers depend on. */
export interface RouterPlan extends Pick<BuildPlan, 'model' | 'tokenizer' | 'maxTokens'> {
  readonly config: { readonly parameters: Pick<BuildPlan['config']['parameters'], 'router' | 'policy' | 'seed'> };
  readonly experts: readonly Pick<BuildPlan['experts'][number], 'name' | 'examples'>[];
}

/** The routers of a pack. */
export interface BuiltRouters {
  /** What the manifest says of them. */
  readonly entries: Pick<Manifest, 'router' | 'origin_router'>;
  /**
   * How they did on held-back rows. It is for the report alone: no reader of a pack acts on it, and it grows with the square of the experts,
   * so that the manifest, which edges load, goes without.
   */
  readonly assessments: RouterAssessments;
}

/**
 * Trains the routers of a plan and writes their files.
 * @throws {TwinrouteError} `config` when an expert has no examples
 */
export async function buildRouters(
  plan: RouterPlan,
  files: PackFiles,
  draft: DraftGraph,
  { engine, progress }: { readonly engine: Engine; readonly progress: Progress },
): Promise<BuiltRouters> {
  const { router: kind, policy, seed } = plan.config.parameters;
  const classes = plan.experts.map((expert) => expert.name);
  const rows = routerRows(plan);
  // What the config leaves out keeps its default.
  const policyOf = (temperature: number, own: BuildPlan['config']['parameters']['policy']): Policy =>
    parseWith(Policy, { temperature, ...DEFAULT_POLICY, ...own }, 'parameters.policy', 'config');
  const entries: Pick<Manifest, 'router' | 'origin_router'> = {};
  const assessments: { edge?: Assessment | undefined; origin?: Assessment | undefined } = {};
  if (kind !== 'origin') {
    const { model, temperature, assessment, ...facts } = await trainRouter(engine, rows, { classes: classes.length, seed, progress });
    await files.write(ROUTER_FILE, model);
    assessments.edge = assessment;
    entries.router = {
      file: ROUTER_FILE,
      classes,
      policy: policyOf(temperature, kind === 'auto' ? { ...AUTO_POLICY, ...policy } : { ...policy }),
      ...facts,
    };
  }
  if (kind !== 'edge') {
    const features = await sharedFeatures(plan, await draft(), rows, progress);
    const labels = rows.map((row) => row.expert);
    const { model, temperature, assessment, ...facts } = await trainOriginRouter(engine, features, labels, {
      classes: classes.length,
      seed,
      progress,
    });
    await files.write(ORIGIN_ROUTER_FILE, model);
    // Where the edge abstained already, abstaining is not the origin's to repeat.
    const own = kind === 'auto' ? { ...policy, abstain: 0 } : { ...policy };
    assessments.origin = assessment;
    entries.origin_router = { file: ORIGIN_ROUTER_FILE, classes, policy: policyOf(temperature, own), ...facts };
  }
  return { entries, assessments };
}

/** Every example with the index of its expert. */
function routerRows(plan: RouterPlan): readonly RouterRow[] {
  return plan.experts.flatMap(({ name, examples }, expert) => {
    if (examples.length === 0) {
      throw new TwinrouteError(
        'config',
        `models.${name}.examples: expected a JSONL file of texts that this expert should answer, got none; the router learns from them`,
        { param: `models[${expert}].examples` },
      );
    }
    return examples.map(({ text, text_pair }) => ({ text, text_pair, expert }));
  });
}

// One input of /v1/predict from text to answer.

import type { Prediction, PredictInput } from '../contract/http.ts';
import type { EdgeExpert } from '../contract/edge-bundle.ts';
import type { Tenant } from '../contract/tenant.ts';
import { TwinrouteError } from '../core/errors.ts';
import type { ReceiptNote } from '../core/ledger/entry.ts';
import { argmax, softmax } from '../core/routing/score.ts';
import { allowedConfig, allowedDecision } from './allowed.ts';
import type { Bundles } from './bundles.ts';
import type { DeployedConfig } from './load-config.ts';
import { decide, type Decision, type Merge } from './decide.ts';
import type { AnswerCache } from './answer-cache.ts';
import type { AttemptDeps, Dispatch } from './attempt.ts';
import { canPlaceWhole } from './choose-endpoint.ts';
import { dispatch, type Dispatched } from './dispatch.ts';
import { engineAt } from './engines/registry.ts';
import type { Trip } from './observe/trip.ts';
import { receiptNote } from './receipts/receipt-note.ts';
import type { Fleets } from './fleets.ts';
import { readText } from './read-text.ts';

/** Whose requests and answers those are that nobody has a key for. */
export const PUBLIC_TENANT = 'public';

/** What predicting needs. */
export interface PredictDeps extends Omit<AttemptDeps, 'fleet'> {
  readonly fleets: Fleets;
  readonly bundles: Bundles;
  readonly answers: AnswerCache;
}

/** One input's place in its request. */
export interface PredictCall {
  readonly id: string;
  /** When the caller stops waiting, by `now`. */
  readonly deadlineMs: number;
  /** Where the caller is, in the words of `Endpoint.region`; empty when unknown. */
  readonly regions: readonly string[];
  /** Whose request it is; undefined where requests need no key. */
  readonly tenant?: Tenant | undefined;
  /** Told the logits that the answer's scores were made of, one per class of its head. */
  readonly onLogits?: ((logits: readonly number[]) => void) | undefined;
  /** Aborted when the caller does not wait any longer. */
  readonly given?: AbortSignal | undefined;
  /** Where what happens is told. */
  readonly trip?: Trip | undefined;
  /** A shadow: nobody waits for the answer. */
  readonly aside?: boolean;
  /** Told of the receipt of the answer, where origins sign. */
  readonly onReceipt?: ((note: ReceiptNote) => void) | undefined;
}

/**
 * Answers one input.
 * @throws {TwinrouteError} whatever stood in the way, see decide.ts and dispatch.ts
 */
export async function predict({ fleets, ...rest }: PredictDeps, input: PredictInput, call: PredictCall): Promise<Prediction> {
  const startMs = rest.now();
  const { tenant, trip } = call;
  const deployed = await rest.bundles.load(allowedConfig(tenant, input.config));
  const deps = { ...rest, fleet: fleets.of(deployed.bundle.config) };
  const decision = settle(deps, deployed, allowedDecision(tenant, await decide(deployed, input), deployed.bundle));
  const routedMs = deps.now();
  noteRouted(trip, deployed, decision, startMs, routedMs);
  const job = toDispatch(deployed, decision, input, call);
  const { result, cached } =
    input.cache === true
      ? await deps.answers.through(tenant?.account ?? PUBLIC_TENANT, job, () => dispatch(deps, job))
      : { result: await dispatch(deps, job), cached: false };
  call.onLogits?.(result.answer.logits);
  if (result.receipt !== undefined) call.onReceipt?.(await receiptNote(result.receipt, result.placement.endpoint.id, cached));
  const endMs = deps.now();
  if (input.cache === true) trip?.note({ kind: 'lookup', hit: cached });
  trip?.note({
    kind: 'answered',
    config: deployed.bundle.config,
    endpoint: result.placement.endpoint.id,
    tokens: result.answer.tokens,
    cached,
    startMs: routedMs,
    ms: endMs - routedMs,
  });
  const timing = { router_ms: routedMs - startMs, origin_ms: endMs - routedMs, total_ms: endMs - startMs };
  return { ...toPrediction(deployed, decision, input, result, { id: call.id, timing }), ...(cached ? { cached } : {}) };
}

function noteRouted(trip: Trip | undefined, { bundle }: DeployedConfig, decision: Decision, startMs: number, endMs: number): void {
  trip?.note({
    kind: 'routed',
    config: bundle.config,
    by: decision.originRoutes ? 'origin' : decision.merge.by,
    abstained: decision.merge?.abstained ?? false,
    experts: decision.originRoutes ? 0 : decision.merge.mix.length,
    startMs,
    ms: endMs - startMs,
  });
}

/** Falls back to the edge's own merge when the origin should route but no endpoint that could is up. */
function settle(deps: AttemptDeps, deployed: DeployedConfig, decision: Decision): Decision {
  if (!decision.originRoutes || decision.merge === undefined) return decision;
  const routing = deps.endpoints.filter((endpoint) => engineAt(endpoint).routes);
  if (canPlaceWhole({ ...deps, endpoints: routing }, everyExpert(deployed))) return decision;
  return { originRoutes: false, merge: decision.merge };
}

/** An endpoint that routes may pick any expert, so it has to hold them all. */
function everyExpert(deployed: DeployedConfig): Dispatch['placement'] {
  const heads = [...deployed.experts.keys()];
  return { config: deployed.bundle.config, mix: heads.map((expert) => ({ expert, weight: 1 / heads.length })), heads };
}

function toDispatch(deployed: DeployedConfig, decision: Decision, input: PredictInput, call: PredictCall): Dispatch {
  const { originRoutes } = decision;
  const { config } = deployed.bundle;
  return {
    bundle: deployed.bundle,
    tokenizer: deployed.tokenizer,
    placement: decision.originRoutes ? everyExpert(deployed) : { config, mix: decision.merge.mix, heads: decision.merge.heads },
    whole: originRoutes,
    originRoutes,
    row: { id: call.id, text: input.text, textPair: input.text_pair, topK: input.top_k },
    deadlineMs: call.deadlineMs,
    trip: call.trip,
    aside: call.aside === true,
    regions: call.regions,
    given: call.given,
  };
}

function toPrediction(
  deployed: DeployedConfig,
  decision: Decision,
  input: PredictInput,
  { answer, receipt, placement, attempts }: Dispatched,
  { id, timing }: Pick<Prediction, 'id' | 'timing'>,
): Prediction {
  const expert = deployed.experts.get(answer.head);
  if (expert === undefined)
    throw new TwinrouteError('internal', `predict: expected an expert of ${deployed.bundle.config}, got ${answer.head}`);
  const merge: Pick<Merge, 'abstained' | 'scores'> & { by: 'caller' | 'edge' | 'origin' } = decision.originRoutes
    ? { by: 'origin', abstained: answer.mix.length === 0, scores: answer.scores }
    : decision.merge;
  const cut = decision.originRoutes ? undefined : cutOf(decision.merge, placement.covered, answer);
  const explain = {
    router: [...merge.scores],
    routed_by: merge.by,
    endpoint: placement.endpoint.id,
    attempts,
    ...(receipt && { receipt: receipt.receipt }),
  };
  return {
    id,
    task: expert.name,
    ...(answer.output === undefined ? readHead(expert, answer.logits) : { ...readText(expert, answer.output.text), output: answer.output }),
    mix: [...answer.mix],
    config: deployed.bundle.config,
    usage: { tokens: answer.tokens, experts: answer.mix.length, truncated: answer.truncated },
    timing,
    abstained: merge.abstained,
    ...(cut && { cut }),
    ...(input.explain === true ? { explain } : {}),
  };
}

/** What of a mix was not served as it was wanted; undefined when all was. */
function cutOf({ mix }: Pick<Merge, 'mix'>, covered: number, { oneAdapter }: Dispatched['answer']): Prediction['cut'] {
  if (covered === 1 && oneAdapter === undefined) return undefined;
  return { wanted: [...mix], covered, ...(oneAdapter && { reason: 'one_adapter' }) };
}

/** A head's logits as probabilities by label, or as a regression's value. */
function readHead(expert: EdgeExpert, logits: readonly number[]): Pick<Prediction, 'label' | 'scores'> {
  if (expert.problem === 'regression') return { label: null, scores: { [expert.labels[0]]: logits[0] } };
  const scores = softmax(logits);
  return { label: expert.labels[argmax(scores)], scores: Object.fromEntries(expert.labels.map((label, i) => [label, scores[i]])) };
}

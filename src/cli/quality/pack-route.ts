// A pack's own decision on a row, as a caller would get it from the edge: router, policy, and the head of the heaviest expert.

import { TwinrouteError } from '../../core/errors.ts';
import { mixVector } from '../../core/mix.ts';
import { argmax } from '../../core/routing/score.ts';
import type { Pack } from '../../formats/pack.ts';
import { createNodeSession } from '../../host/ort-session.ts';
import { createRouter } from '../../model/router.ts';
import type { Predictor } from '../../origin/predictor.ts';

/** A row's tokens and text. */
export interface RouteInput {
  readonly text: string;
  readonly textPair: string | undefined;
  readonly ids: Int32Array;
  readonly types: Int32Array;
}

/** Decides mix and head of a row; `mix` is in the order of the predictor's experts. */
export type Route = (input: RouteInput) => Promise<{
  readonly mix: Float32Array;
  readonly head: string;
  /** Probability of that head's expert, where the route states one. */
  readonly confidence?: number | undefined;
}>;

/** A route with what it holds. */
export interface PackRoute {
  readonly route: Route;
  close(): Promise<void>;
}

/**
 * The routing that a pack asks for: `edge`, `origin`, or the origin's where the edge's abstains.
 * @param predictor with all of the pack's experts; its own router decides where the origin does
 */
export async function packRoute(pack: Pack, predictor: Predictor): Promise<PackRoute> {
  const { manifest } = pack;
  const names = predictor.experts.map((expert) => expert.name);
  const byOrigin: Route = async ({ ids, types }) => {
    if (predictor.route === undefined)
      throw new TwinrouteError('config', `${pack.name}: expected an origin router for routing "${manifest.routing}", got none`);
    const [{ features }] = await predictor.run([{ ids, types, mix: new Float32Array(names.length) }]);
    const [{ mix, scores }] = await predictor.route([features], undefined);
    const head = argmax(mix.some((weight) => weight > 0) ? mix : scores);
    return { mix, head: names[head], confidence: scores[head] };
  };
  if (manifest.routing === 'origin' || manifest.router === undefined) return { route: byOrigin, close: () => Promise.resolve() };
  const session = await createNodeSession(await pack.bytes(manifest.router.file), { threads: 1 });
  const router = createRouter(session, manifest.router);
  const byEdge: Route = async (input) => {
    const { scores, mix, abstained } = await router.route(input.text, input.textPair);
    if (abstained && manifest.routing === 'auto') return byOrigin(input);
    // When it abstains, the head of its best guess answers, over the shared model.
    const head = mix[0]?.expert ?? scores[argmax(scores.map(({ score }) => score))].expert;
    return { mix: mixVector(mix, names), head, confidence: scores.find(({ expert }) => expert === head)?.score };
  };
  return { route: byEdge, close: () => session.release() };
}

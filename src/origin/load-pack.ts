// A pack as something to serve: its graph compiled for the experts that are to be resident here, its tokenizer, its router.

import { TwinrouteError } from '../core/errors.ts';
import type { Pack } from '../formats/pack.ts';
import { createTokenizer } from '../formats/tokenizer.ts';
import { createNodeSession } from '../host/ort-session.ts';
import { createPackSession, type PackSessionOptions } from './pack-session.ts';
import type { Predictor } from './predictor.ts';
import { createTwinPredictor } from './twin-predictor.ts';

/**
 * Compiles a pack.
 * @param experts names of the resident experts; all of the pack's when undefined
 * @throws {TwinrouteError} `not_found` for an expert that the pack lacks, `integrity` for changed bytes
 * Cost: the model in f32 about three times over while it loads, once afterwards
 */
export async function loadPredictor(pack: Pack, experts?: readonly string[], options: PackSessionOptions = {}): Promise<Predictor> {
  const { manifest } = pack;
  const resident = experts ?? manifest.experts.map((expert) => expert.name);
  if (new Set(resident).size !== resident.length)
    throw new TwinrouteError('config', `experts: expected each one once, got ${resident.join(', ')}`);
  const tokenizer = createTokenizer(
    await pack.text(manifest.tokenizer.file),
    await pack.text(manifest.tokenizer.config_file),
    manifest.max_tokens,
  );
  const session = await createPackSession(pack, resident, options);
  const router = manifest.origin_router;
  return createTwinPredictor({
    manifest,
    experts: resident,
    session,
    tokenizer,
    ...(router !== undefined && { routerSession: await createNodeSession(await pack.bytes(router.file), { threads: 1 }) }),
  });
}

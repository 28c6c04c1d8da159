// A pack as something to serve: its graph compiled for the experts that are to be resident here, its tokenizer, its router.

import { TwinrouteError } from '../core/errors.ts';
import { expertOf, type Pack } from '../formats/pack.ts';
import { createTokenizer } from '../formats/tokenizer.ts';
import { createNodeSession } from '../host/ort-session.ts';
import { openArchitecture } from '../model/registry.ts';
import type { GraphHead } from '../model/twin-parameters.ts';
import { loadHead } from '../formats/expert-file.ts';
import { createPackEncoder, type PackEncoderOptions } from './pack-encoder.ts';
import type { Predictor } from './predictor.ts';
import { createTwinPredictor } from './twin-predictor.ts';

/**
 * Compiles a pack.
 * @param experts names of the resident experts; all of the pack's when undefined
 * @throws {TwinrouteError} `not_found` for an expert that the pack lacks, `integrity` for changed bytes
 * Cost: the model in f32 about three times over while it loads, once afterwards, and the experts' factors in f32
 */
export async function loadPredictor(pack: Pack, experts?: readonly string[], options: PackEncoderOptions = {}): Promise<Predictor> {
  const { manifest } = pack;
  const { width } = openArchitecture(manifest.architecture.type, manifest.architecture.config);
  const resident = experts ?? manifest.experts.map((expert) => expert.name);
  if (new Set(resident).size !== resident.length)
    throw new TwinrouteError('config', `experts: expected each one once, got ${resident.join(', ')}`);
  const tokenizer = createTokenizer(
    await pack.text(manifest.tokenizer.file),
    await pack.text(manifest.tokenizer.config_file),
    manifest.max_tokens,
  );
  const encoder = await createPackEncoder(pack, resident, options);
  const heads: GraphHead[] = [];
  for (const name of resident) {
    const entry = expertOf(manifest, name);
    heads.push(await loadHead(await pack.source(entry.file), entry, width));
  }
  const router = manifest.origin_router;
  return createTwinPredictor({
    manifest,
    experts: resident,
    encoder,
    heads,
    tokenizer,
    ...(router !== undefined && { routerSession: await createNodeSession(await pack.bytes(router.file), { threads: 1 }) }),
  });
}

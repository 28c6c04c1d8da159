// A pack as something to serve: its graph compiled for the experts that are to be resident here, its tokenizer, its router.

import { TwinrouteError } from '../core/errors.ts';
import { loadHead } from '../formats/expert-file.ts';
import { expertOf, type Pack } from '../formats/pack.ts';
import { createTokenizer } from '../formats/tokenizer.ts';
import type { DeviceChoice } from '../host/devices/select-device.ts';
import { createNodeSession, type NodeSessionOptions } from '../host/ort-session.ts';
import type { SessionThread } from '../host/session-thread.ts';
import { openArchitecture } from '../model/registry.ts';
import type { CreateSession } from '../model/session.ts';
import { createHeadStore } from './head-store.ts';
import { createPackEncoder, type PackEncoderOptions } from './pack-encoder.ts';
import type { Predictor } from './predictor.ts';
import { createTwinPredictor } from './twin-predictor.ts';

/** How a pack is loaded. */
export interface LoadOptions extends Omit<PackEncoderOptions, 'instances' | 'form'>, Pick<NodeSessionOptions, 'threads'> {
  /** What the encoder runs on; the CPU in f32 when left out. */
  readonly device?: Pick<DeviceChoice, 'name' | 'kind' | 'precision'> | undefined;
  /** Where sessions live, one place for each instance of the model; one on the calling thread when left out, which stands still for each run. */
  readonly instances?: readonly Pick<SessionThread, 'create'>[];
}

/**
 * Compiles a pack.
 * @param experts names of the resident experts; all of the pack's when undefined
 * @throws {TwinrouteError} `not_found` for an expert that the pack lacks, `integrity` for changed bytes
 * Cost: the model in f32 about three times over while it loads, once for each instance afterwards, and the experts' factors in f32
 */
export async function loadPredictor(pack: Pack, experts?: readonly string[], options: LoadOptions = {}): Promise<Predictor> {
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
  const { threads, instances = [{ create: createNodeSession }], device, ...rest } = options;
  const sessionOptions = { ...(threads !== undefined && { threads }), ...(device !== undefined && { device: device.name }) };
  const onInstances = instances.map(
    ({ create }): CreateSession =>
      (model) =>
        create(model, sessionOptions),
  );
  const form = device && { precision: device.precision, ownTables: device.kind === 'gpu' };
  const encoder = await createPackEncoder(pack, resident, { ...rest, form, instances: onInstances });
  const heads = createHeadStore(async (expert) => {
    const entry = expertOf(manifest, resident[expert]);
    return loadHead(await pack.source(entry.file), entry, width);
  });
  // Where experts are paged, nothing of theirs is read before somebody asks.
  if (rest.expertBytes === undefined || rest.expertBytes === Infinity) await heads.bring([...resident.keys()]);
  const router = manifest.origin_router;
  return createTwinPredictor({
    manifest,
    experts: resident,
    encoder,
    heads,
    tokenizer,
    ...(router !== undefined && { routerSession: await instances[0].create(await pack.bytes(router.file), { threads: 1 }) }),
  });
}

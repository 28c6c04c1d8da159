// A PEFT LoRA adapter as an expert: τ_t = scaling · B · A on the modules it adapts, the base elsewhere; never dense. Names as PEFT saves
// them: `base_model.model.<prefix><module>.lora_A.weight` [r, n], `….lora_B.weight` [m, r], heads as `base_model.model.classifier.…`.
// Source: Hu et al. 2021, arXiv:2106.09685, section 4.1.

import * as z from 'zod/mini';
import { TwinrouteError } from '../core/errors.ts';
import { parseJsonWith } from '../contract/parse.ts';
import { loraOf, parsePeftConfig } from '../contract/peft-config.ts';
import { findMisfits, matchNames, refuseMisfits, spell } from './fit.ts';
import { findHead, readHead } from './head.ts';
import type { Base, ExpertSource, LoraParameter } from './model-source.ts';
import type { FolderSource } from './source.ts';
import { openWeights } from './weights.ts';

/** What PEFT puts before every name. */
export const PEFT_PREFIX = 'base_model.model.';
/** Metadata key with which an adapter may state the hash of its base: the sha256 of the base folder's provenance (`modelSha256` of the build). */
export const BASE_HASH_KEY = 'base_sha256';

/** @throws {TwinrouteError} as `openExpert` */
export async function openLoraExpert(folder: FolderSource, adapterConfig: string, config: unknown, base: Base): Promise<ExpertSource> {
  const title = `${folder.name}/adapter_config.json`;
  const peft = parsePeftConfig(parseJsonWith(z.unknown(), adapterConfig, title, 'format'), title);
  const weights = await openWeights(folder, 'adapter_model');
  const stated = weights.metadata[BASE_HASH_KEY];
  if (stated !== undefined && base.sha256 !== undefined && stated !== base.sha256) {
    throw new TwinrouteError('incompatible', `${folder.name}: expected an adapter of base ${base.sha256}, got one of base ${stated}`, {
      param: BASE_HASH_KEY,
    });
  }
  const { width, prefixes, parameters: all } = base.layout;
  const matrices = all.filter(({ shape, name }) => shape.length === 2 && name.endsWith('.weight'));
  const factors = matrices.flatMap(({ name }) => [factorName(name, 'A'), factorName(name, 'B')]);
  const { stored, rest, prefix } = matchNames(
    weights.names,
    factors,
    prefixes.map((one) => PEFT_PREFIX + one),
  );
  const { head, misfits } = findHead(weights, PEFT_PREFIX, width);
  if (stored.size === 0) misfits.push('no LoRA factors of any parameter of the base');

  const parameters = new Map<string, LoraParameter>();
  for (const { name, shape } of matrices) {
    const pair = { a: factorName(name, 'A'), b: factorName(name, 'B') };
    const [a, b] = [stored.get(pair.a), stored.get(pair.b)];
    if (a === undefined && b === undefined) continue;
    const module = prefix.slice(PEFT_PREFIX.length) + name.slice(0, -'.weight'.length);
    const { rank, scaling } = loraOf(peft, module);
    misfits.push(
      ...findMisfits(
        [
          { name: pair.a, shape: [rank, shape[1]] },
          { name: pair.b, shape: [shape[0], rank] },
        ],
        stored,
        weights,
      ),
    );
    if (a === undefined || b === undefined) continue;
    parameters.set(name, {
      kind: 'lora',
      rank,
      read: async () => ({ a: await weights.readFloat(a), b: await weights.readFloat(b), scaling }),
    });
  }
  const extra = rest.filter((name) => name !== head.weight && name !== head.bias);
  refuseMisfits(folder.name, [...misfits, ...extra.map((name) => `extra ${name} ${spell(weights.shape(name))}`)]);
  return {
    name: folder.name,
    kind: 'lora',
    statedBase: peft.base_model_name_or_path || undefined,
    ...(await readHead(weights, head, config, folder.name)),
    parameter: (name) => parameters.get(name) ?? { kind: 'same' },
  };
}

/** `x.weight` → `x.lora_A.weight` */
export function factorName(parameter: string, factor: 'A' | 'B'): string {
  return `${parameter.slice(0, -'weight'.length)}lora_${factor}.weight`;
}

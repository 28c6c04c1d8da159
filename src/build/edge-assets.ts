// What the edge needs of packs, as a folder of assets: `packs/index.json`, and `packs/<config>/edge.json` with its router and tokenizer beside it;
// `page/` has the operator's page. Written anew as a whole, so that a Worker never sees half of one pack and half of another.

import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { TOKENIZER_BYTES, type EdgeBundle, type EdgeIndex } from '../contract/edge-bundle.ts';
import type { Manifest } from '../contract/manifest.ts';
import { hashBytes, type CreateHasher } from '../formats/hash.ts';
import type { Pack } from '../formats/pack.ts';
import { aboutExpert } from './about-expert.ts';
import { readSamples, type Sample } from './samples.ts';

/** Name of the router beside its edge.json. */
const ROUTER_FILE = 'router.onnx';
/** Name of the tokenizer there. */
const TOKENIZER_FILE = 'tokenizer.json';

/**
 * The assets of packs by their path below `packs/`, the first pack as the edge's default.
 */
export async function edgeAssets(packs: readonly Pack[], createHasher: CreateHasher): Promise<ReadonlyMap<string, Uint8Array>> {
  const assets = new Map<string, Uint8Array>();
  const index: EdgeIndex = { schema: 1, configs: [] };
  for (const pack of packs) {
    const { config, name, router, tokenizer } = pack.manifest;
    const bundle = edgeBundle(pack.manifest, await readSamples(pack), await pack.text(tokenizer.config_file));
    const bytes = encodeJson(bundle);
    assets.set(`${config}/edge.json`, bytes);
    if (router !== undefined) assets.set(`${config}/${ROUTER_FILE}`, await pack.bytes(router.file));
    if (bundle.tokenizer !== undefined) assets.set(`${config}/${TOKENIZER_FILE}`, await pack.bytes(tokenizer.file));
    index.configs.push({ config, name, sha256: hashBytes(bytes, createHasher) });
  }
  return assets.set('index.json', encodeJson(index));
}

/**
 * Writes the assets of packs.
 * @param folder replaced as a whole
 * @param page the operator's page: files by their path below `page/`
 */
export async function writeEdgeAssets(
  packs: readonly Pack[],
  folder: string,
  createHasher: CreateHasher,
  page: ReadonlyMap<string, Uint8Array> = new Map(),
): Promise<void> {
  const fresh = `${folder}.new`;
  await rm(fresh, { recursive: true, force: true });
  for (const [part, files] of [
    ['packs', await edgeAssets(packs, createHasher)],
    ['page', page],
  ] as const) {
    for (const [path, bytes] of files) {
      const file = join(fresh, part, path);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, bytes);
    }
  }
  await rm(folder, { recursive: true, force: true });
  await rename(fresh, folder);
}

function encodeJson(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

/** The part of a manifest that the edge needs. */
function edgeBundle(manifest: Manifest, samples: readonly Sample[], tokenizerConfig: string): EdgeBundle {
  const { router, files, tokenizer, max_tokens } = manifest;
  const file = router === undefined ? undefined : files[router.file];
  const words = files[tokenizer.file];
  return {
    schema: 1,
    name: manifest.name,
    config: manifest.config,
    method: manifest.method,
    parameters: manifest.parameters,
    routing: manifest.routing,
    ...(manifest.gates !== undefined && { gated: true }),
    experts: manifest.experts.map((expert) => {
      const { name, problem, labels } = expert;
      const sample = samples.find((candidate) => candidate.expert === name);
      return { name, problem, labels, about: aboutExpert(expert, files[expert.file]?.bytes ?? 0, sample) };
    }),
    ...(router !== undefined &&
      file !== undefined && {
        router: {
          file: ROUTER_FILE,
          sha256: file.sha256,
          bytes: file.bytes,
          features: router.features,
          classes: router.classes,
          policy: router.policy,
        },
      }),
    ...(words !== undefined &&
      words.bytes <= TOKENIZER_BYTES && {
        tokenizer: { file: TOKENIZER_FILE, sha256: words.sha256, bytes: words.bytes, config_json: tokenizerConfig, max_tokens },
      }),
  };
}

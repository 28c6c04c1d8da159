// What the edge needs of packs, as a folder of assets: `packs/index.json`, and `packs/<config>/edge.json` with its router beside it. Written
// anew as a whole, so that a Worker never sees half of one pack and half of another.

import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { EdgeBundle, EdgeIndex } from '../contract/edge-bundle.ts';
import type { Manifest } from '../contract/manifest.ts';
import { hashBytes, type CreateHasher } from '../formats/hash.ts';
import type { Pack } from '../formats/pack.ts';

/** Name of the router beside its edge.json. */
const ROUTER_FILE = 'router.onnx';

/**
 * Writes the assets of packs, the first one as the edge's default.
 * @param folder replaced as a whole
 */
export async function writeEdgeAssets(packs: readonly Pack[], folder: string, createHasher: CreateHasher): Promise<void> {
  const fresh = `${folder}.new`;
  await rm(fresh, { recursive: true, force: true });
  const index: EdgeIndex = { schema: 1, configs: [] };
  for (const pack of packs) {
    const target = join(fresh, 'packs', pack.manifest.config);
    await mkdir(target, { recursive: true });
    const bundle = new TextEncoder().encode(JSON.stringify(edgeBundle(pack.manifest)));
    await writeFile(join(target, 'edge.json'), bundle);
    if (pack.manifest.router !== undefined) await writeFile(join(target, ROUTER_FILE), await pack.bytes(pack.manifest.router.file));
    index.configs.push({ config: pack.manifest.config, name: pack.manifest.name, sha256: hashBytes(bundle, createHasher) });
  }
  await writeFile(join(fresh, 'packs', 'index.json'), JSON.stringify(index));
  await rm(folder, { recursive: true, force: true });
  await mkdir(dirname(folder), { recursive: true });
  await rename(fresh, folder);
}

/** The part of a manifest that the edge needs. */
export function edgeBundle(manifest: Manifest): EdgeBundle {
  const { router, files } = manifest;
  const file = router === undefined ? undefined : files[router.file];
  return {
    schema: 1,
    name: manifest.name,
    config: manifest.config,
    method: manifest.method,
    parameters: manifest.parameters,
    routing: manifest.routing,
    experts: manifest.experts.map(({ name, problem, labels }) => ({ name, problem, labels })),
    ...(router !== undefined &&
      file !== undefined && {
        router: { file: ROUTER_FILE, sha256: file.sha256, bytes: file.bytes, features: router.features, classes: router.classes, policy: router.policy },
      }),
  };
}

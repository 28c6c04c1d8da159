// wrangler's build step: the operator's page and the assets of the packs named by PACKS (paths with commas between; the sample pack otherwise)
// in .cache/edge-assets.

import { writeEdgeAssets } from '../src/build/edge-assets.ts';
import { bundlePage } from '../src/cli/dev/bundle-page.ts';
import { openPack } from '../src/formats/pack.ts';
import { createSha256, openFolder } from '../src/host/files.ts';
import { ensureSamplePack } from './sample-pack.ts';

const paths = process.env['PACKS']?.split(',') ?? [await ensureSamplePack()];
const folders = await Promise.all(paths.map((path) => openFolder(path)));
const packs = await Promise.all(folders.map((folder) => openPack(folder, createSha256)));
await writeEdgeAssets(packs, '.cache/edge-assets', createSha256, await bundlePage());
await Promise.all(folders.map((folder) => folder.close()));
console.error(`edge assets: ${packs.map(({ manifest }) => `${manifest.name} ${manifest.config}`).join(', ')}`);

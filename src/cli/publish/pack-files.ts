// What an edge needs of a pack, as a release names it.

import { edgeAssets } from '../../build/edge-assets.ts';
import { EdgeIndex, type ConfigEntry } from '../../contract/edge-bundle.ts';
import { parseJsonWith } from '../../contract/parse.ts';
import { hashBytes } from '../../formats/hash.ts';
import { createSha256 } from '../../host/files.ts';
import { withPack } from '../open-pack-folder.ts';

/** A pack, as far as an edge is concerned. */
export interface PackFiles {
  readonly entry: ConfigEntry;
  /** edge.json and the router, by their hashes. */
  readonly blobs: ReadonlyMap<string, Uint8Array>;
}

/** Reads the pack at `path`, whose files are checked. */
export function readPackFiles(path: string): Promise<PackFiles> {
  return withPack(path, async (pack) => {
    const { 'index.json': index, ...files } = Object.fromEntries(await edgeAssets([pack], createSha256));
    const [entry] = parseJsonWith(EdgeIndex, new TextDecoder().decode(index), 'index.json', 'internal').configs;
    return { entry, blobs: new Map(Object.values(files).map((bytes) => [hashBytes(bytes, createSha256), bytes])) };
  });
}

// A pack as a reader sees it: the manifest, and files whose bytes are checked against it before the first use.

import { TwinrouteError } from '../core/errors.ts';
import type { Manifest, ManifestExpert } from '../contract/manifest.ts';
import { checkedFiles } from './checked-files.ts';
import type { CreateHasher } from './hash.ts';
import { bytesSource } from './memory-source.ts';
import { decodeManifest, MANIFEST_FILE } from './manifest-file.ts';
import type { ByteSource, FolderSource } from './source.ts';

/** An open pack. */
export interface Pack {
  /** Shown in errors. */
  readonly name: string;
  readonly manifest: Manifest;
  /**
   * A file of the pack, after its size and sha256 were found to be the manifest's. Checked once; later calls give the same source.
   * @throws {TwinrouteError} `integrity` when it is missing or differs; `not_found` when the manifest lists no such file
   */
  source(file: string): Promise<ByteSource>;
  /** All bytes of a file, checked alike. */
  bytes(file: string): Promise<Uint8Array>;
  /** All bytes of a file as UTF-8 text, checked alike. */
  text(file: string): Promise<string>;
  /** Checks every file of the manifest. */
  verify(): Promise<void>;
}

/**
 * Opens a pack. Only the manifest is read; other files are read and checked when they are asked for.
 * @throws {TwinrouteError} `not_found` when the folder holds no manifest, else as `decodeManifest`
 */
export async function openPack(folder: FolderSource, createHasher: CreateHasher): Promise<Pack> {
  const manifestSource = await folder.open(MANIFEST_FILE);
  if (manifestSource === undefined)
    throw new TwinrouteError('not_found', `${folder.name}: expected a pack, got a folder without ${MANIFEST_FILE}`);
  const manifest = decodeManifest(await manifestSource.read(0, manifestSource.sizeBytes), createHasher, manifestSource.name);
  const source = checkedFiles(folder, { files: manifest.files, list: MANIFEST_FILE, what: 'the pack' }, createHasher);

  async function bytes(file: string): Promise<Uint8Array> {
    const found = await source(file);
    return found.read(0, found.sizeBytes);
  }

  return {
    name: folder.name,
    manifest,
    source,
    bytes,
    text: async (file) => new TextDecoder().decode(await bytes(file)),
    async verify() {
      for (const file of Object.keys(manifest.files)) await source(file);
    },
  };
}

/**
 * The pack with some of its files in memory, checked: readable after its folder was closed. It has no other files.
 * Cost: the bytes of the files
 */
export async function holdInMemory(pack: Pack, files: readonly string[]): Promise<Pack> {
  const held = new Map<string, ByteSource>();
  for (const file of files) held.set(file, bytesSource(`${pack.name}/${file}`, await pack.bytes(file)));
  const source = (file: string): Promise<ByteSource> => {
    const found = held.get(file);
    return found === undefined
      ? Promise.reject(new TwinrouteError('internal', `${pack.name}: expected ${file} to be held in memory`))
      : Promise.resolve(found);
  };
  const bytes = async (file: string): Promise<Uint8Array> => {
    const found = await source(file);
    return found.read(0, found.sizeBytes);
  };
  return {
    name: pack.name,
    manifest: pack.manifest,
    source,
    bytes,
    text: async (file) => new TextDecoder().decode(await bytes(file)),
    verify: () => Promise.resolve(),
  };
}

/**
 * The manifest's entry of an expert.
 * @throws {TwinrouteError} `not_found` listing the pack's experts
 */
export function expertOf(manifest: Pick<Manifest, 'experts' | 'name'>, name: string): ManifestExpert {
  const expert = manifest.experts.find((candidate) => candidate.name === name);
  if (expert !== undefined) return expert;
  throw new TwinrouteError(
    'not_found',
    `expected an expert of the pack, one of ${manifest.experts.map((each) => each.name).join(', ')}; got "${name}"`,
    { param: name },
  );
}

// A folder that holds a pack, one or another as time goes on.

import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, TwinrouteError } from '../../core/errors.ts';
import { MANIFEST_FILE } from '../../formats/manifest-file.ts';
import { openPack, type Pack } from '../../formats/pack.ts';
import { createSha256, openFolder, type HostFolder } from '../../host/files.ts';
import { loadPredictor, type LoadOptions } from '../load-pack.ts';
import type { Predictor } from '../predictor.ts';

/** What a pack is called. */
export interface PackIdentity {
  readonly name: string;
  /** The config's id. */
  readonly version: string;
  /** Changes with every byte of the pack: its manifest has the hashes of all files. */
  readonly digest: string;
}

/** A pack that is open and not served yet. */
export interface OpenedPack extends PackIdentity {
  /** Bytes that loading it takes at most, and those that stay. */
  readonly needs: { readonly peakBytes: number; readonly keptBytes: number };
  /**
   * Compiles it; `close` is for after its release.
   * @param careful checks every file first, also those that are only read when somebody asks for their expert
   */
  load(careful: boolean): Promise<Predictor>;
  close(): Promise<void>;
}

/** Where a pack lies. */
export interface PackPlace {
  /** Path, for people. */
  readonly path: string;
  /** Changes whenever the folder's manifest is another file; undefined while there is none. Cost: a look at the file's facts */
  stamp(): Promise<string | undefined>;
  /** Opens what lies there now. @throws {TwinrouteError} as `openPack` */
  open(): Promise<OpenedPack>;
}

/** The place at a path. @param experts of each pack to hold; all when undefined */
export function packFolder(path: string, experts: readonly string[] | undefined, options: LoadOptions): PackPlace {
  return {
    path,
    async stamp() {
      const facts = await stat(join(path, MANIFEST_FILE), { bigint: true }).catch(() => undefined);
      return facts && `${facts.dev}:${facts.ino}:${facts.mtimeNs}:${facts.size}`;
    },
    async open() {
      const folder = await openFolder(path);
      try {
        const pack = await openPack(folder, createSha256);
        await holdFiles(folder, pack);
        return {
          name: pack.manifest.name,
          version: pack.manifest.config,
          digest: await digestOf(folder),
          needs: needsOf(pack, experts, options),
          async load(careful) {
            if (careful) await pack.verify();
            return loadPredictor(pack, experts, options);
          },
          close: () => folder.close(),
        };
      } catch (error) {
        await folder.close();
        throw error;
      }
    },
  };
}

/** Opens every file, reading none: what the folder's name leads to later is no matter then, and experts are read from these very files. */
async function holdFiles(folder: HostFolder, pack: Pack): Promise<void> {
  for (const file of Object.keys(pack.manifest.files)) {
    const source = await folder.open(file).catch((cause: unknown) => {
      throw new TwinrouteError('unavailable', `${pack.name}: expected to open ${file}, got: ${messageOf(cause)}`, { cause });
    });
    if (source === undefined) throw new TwinrouteError('integrity', `${pack.name}: expected ${file}, got no such file`);
  }
}

async function digestOf(folder: HostFolder): Promise<string> {
  const source = await folder.open(MANIFEST_FILE);
  const hasher = createSha256();
  if (source !== undefined) hasher.update(await source.read(0, source.sizeBytes));
  return hasher.hexDigest();
}

/** From the manifest alone: the shared model in f32 three times while it loads and once for each instance afterwards, factors in f32. */
function needsOf({ manifest }: Pack, experts: readonly string[] | undefined, options: LoadOptions): OpenedPack['needs'] {
  const shared = 4 * ((manifest.files[manifest.shared.file]?.bytes ?? 0) / (manifest.shared.format === 'fp32' ? 4 : 2));
  const factors = manifest.experts
    .filter(({ name }) => experts === undefined || experts.includes(name))
    .flatMap(({ tensors }) =>
      tensors.map(({ shape, rank, kind }) => (kind === 'factored' ? 4 * rank * shape.reduce((sum, n) => sum + n, 0) : 0)),
    )
    .reduce((sum, bytes) => sum + bytes, 0);
  const kept = shared * (options.instances?.length ?? 1) + Math.min(factors, options.expertBytes ?? Infinity);
  return { peakBytes: kept + 2 * shared, keptBytes: kept };
}

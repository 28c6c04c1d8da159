// Files of a folder whose sizes and hashes somebody vouches for: checked before the first use.

import { TwinrouteError } from '../core/errors.ts';
import type { ManifestFile } from '../contract/manifest.ts';
import { hashSource, type CreateHasher } from './hash.ts';
import type { ByteSource, FolderSource } from './source.ts';

/** What is vouched for, and how messages call it. */
export interface Voucher {
  readonly files: Readonly<Record<string, ManifestFile>>;
  /** The file that lists them, e.g. `manifest.json`. */
  readonly list: string;
  /** What the folder is, e.g. `the pack`. */
  readonly what: string;
}

/** A listed file, after its size and sha256 were found to be as stated. Checked once; later calls give the same source. */
export type CheckedFiles = (file: string) => Promise<ByteSource>;

/**
 * The listed files of a folder; the result throws `integrity` for one that is missing or differs and `not_found` for one that is not listed.
 */
export function checkedFiles(folder: FolderSource, { files, list, what }: Voucher, createHasher: CreateHasher): CheckedFiles {
  const checked = new Map<string, Promise<ByteSource>>();

  async function check(file: string): Promise<ByteSource> {
    const expected = files[file];
    if (expected === undefined)
      throw new TwinrouteError('not_found', `${folder.name}: expected ${file} to be listed in ${list}, got no entry`);
    const source = await folder.open(file);
    if (source === undefined) throw new TwinrouteError('integrity', `${folder.name}: expected ${file}, got no such file`);
    if (source.sizeBytes !== expected.bytes)
      throw new TwinrouteError(
        'integrity',
        `${source.name}: expected ${expected.bytes} bytes, got ${source.sizeBytes}; ${what} was changed or damaged`,
      );
    const sha256 = await hashSource(source, createHasher);
    if (sha256 === expected.sha256) return source;
    throw new TwinrouteError(
      'integrity',
      `${source.name}: expected sha256 ${expected.sha256}, got ${sha256}; ${what} was changed or damaged`,
    );
  }

  return (file) => {
    const pending = checked.get(file) ?? check(file);
    checked.set(file, pending);
    return pending;
  };
}

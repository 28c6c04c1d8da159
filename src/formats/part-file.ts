// A part of a build as a join sees it: part.json, and files whose bytes are checked against it before the first use.

import { TwinrouteError } from '../core/errors.ts';
import { Part, PART_SCHEMA } from '../contract/part.ts';
import { parseWith } from '../contract/parse.ts';
import { checkedFiles, type CheckedFiles } from './checked-files.ts';
import type { CreateHasher } from './hash.ts';
import type { FolderSource } from './source.ts';
import { decodeVouched, encodeVouched } from './vouched-json.ts';

/** Name of the file that tells what a part is. */
export const PART_FILE = 'part.json';

/** An open part. */
export interface OpenPart {
  /** Shown in errors. */
  readonly name: string;
  readonly part: Part;
  readonly source: CheckedFiles;
}

/** The bytes of part.json. */
export function encodePart(part: Part, createHasher: CreateHasher): Uint8Array {
  return encodeVouched(part, createHasher);
}

/**
 * Opens a part; other files are read and checked when they are asked for.
 * @throws {TwinrouteError} `not_found` when the folder holds no part; `integrity` when part.json was changed; `format` when it is none;
 * `unsupported` for a newer schema
 */
export async function openPart(folder: FolderSource, createHasher: CreateHasher): Promise<OpenPart> {
  const file = await folder.open(PART_FILE);
  if (file === undefined)
    throw new TwinrouteError('not_found', `${folder.name}: expected a part of a build, got a folder without ${PART_FILE}`);
  const fields = decodeVouched(await file.read(0, file.sizeBytes), createHasher, file.name, 'the part');
  if (typeof fields['schema'] === 'number' && fields['schema'] > PART_SCHEMA)
    throw new TwinrouteError(
      'unsupported',
      `${file.name}: expected schema ${PART_SCHEMA}, got ${fields['schema']}; a newer twinroute wrote this part`,
    );
  const part = parseWith(Part, fields, file.name, 'format');
  return { name: folder.name, part, source: checkedFiles(folder, { files: part.files, list: PART_FILE, what: 'the part' }, createHasher) };
}

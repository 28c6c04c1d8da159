// All parts of a build together: opened, and held against the build that wants to use them.

import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { TwinrouteError } from '../../core/errors.ts';
import type { Part } from '../../contract/part.ts';
import { openPart, PART_FILE, type OpenPart } from '../../formats/part-file.ts';
import { createSha256, openFolder, type HostFolder } from '../../host/files.ts';

/** Open parts, at least one. */
export interface Parts {
  readonly parts: readonly OpenPart[];
  /** The engine that made the first of them. */
  readonly engine: string;
  /** What the first of them holds. */
  readonly kind: Part['kind'];
  close(): Promise<void>;
}

/**
 * Opens parts; only each part.json is read.
 * @param paths folders that are parts, or hold nothing but parts; in those, names that start with a dot are unfinished and passed over
 * @throws {TwinrouteError} `not_found` when there is none; as `openPart`
 */
export async function openParts(paths: readonly string[]): Promise<Parts> {
  const folders: HostFolder[] = [];
  const close = async (): Promise<void> => void (await Promise.all(folders.map((folder) => folder.close())));
  try {
    const parts: OpenPart[] = [];
    for (const path of (await Promise.all(paths.map(partFolders))).flat()) {
      const folder = await openFolder(path);
      folders.push(folder);
      parts.push(await openPart(folder, createSha256));
    }
    if (parts.length === 0) throw new TwinrouteError('not_found', `${paths.join(', ')}: expected parts of a build, got none`);
    const [{ part }] = parts;
    return { parts, engine: part.engine, kind: part.kind, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function partFolders(path: string): Promise<string[]> {
  const isPart = await stat(join(path, PART_FILE)).then(
    () => true,
    () => false,
  );
  if (isPart) return [path];
  const entries = await readdir(path, { withFileTypes: true }).catch(() => []);
  const names = entries.filter((entry) => entry.isDirectory() && !entry.name.startsWith('.')).map(({ name }) => name);
  return names.length === 0 ? [path] : names.sort().map((name) => join(path, name));
}

/** What all parts have to share with whoever joins them. */
export type Expected = Pick<Part, 'kind' | 'config' | 'engine' | 'producer'>;

/** The facts that have to be the same, and why. */
const FACTS: readonly { readonly fact: keyof Expected; readonly why: string }[] = [
  { fact: 'config', why: 'its config or one of its inputs is another' },
  { fact: 'kind', why: 'parts of the two rounds of a budget do not go together' },
  { fact: 'engine', why: 'engines differ in the last bits of their products' },
  { fact: 'producer', why: 'versions may differ in what they write' },
];

/**
 * Holds parts against what is expected: each of that config, engine and version, all of one count, each shard once and none missing.
 * @throws {TwinrouteError} `incompatible` naming the part and the fact; `not_found` naming missing shards
 */
export function expectParts({ parts }: Parts, expected: Expected): void {
  for (const { name, part } of parts)
    for (const { fact, why } of FACTS)
      if (part[fact] !== expected[fact])
        throw new TwinrouteError('incompatible', `${name}: expected a part of ${fact} ${expected[fact]}, got ${part[fact]}: ${why}`);
  const byIndex = new Map<number, string>();
  const [{ part: first }] = parts;
  for (const { name, part } of parts) {
    const { index, count } = part.shard;
    if (count !== first.shard.count)
      throw new TwinrouteError(
        'incompatible',
        `${name}: expected shard ${index} of ${first.shard.count} as in ${parts[0].name}, got one of ${count}`,
      );
    const other = byIndex.get(index);
    if (other !== undefined)
      throw new TwinrouteError('incompatible', `${name}: expected each shard once, got shard ${index} here and in ${other}`);
    byIndex.set(index, name);
  }
  const missing = Array.from({ length: first.shard.count }, (_, index) => index).filter((index) => !byIndex.has(index));
  if (missing.length > 0)
    throw new TwinrouteError(
      'not_found',
      `parts: expected all ${first.shard.count} shards of config ${expected.config}, got ${byIndex.size}; missing: ${missing.slice(0, 20).join(', ')}${missing.length > 20 ? ', …' : ''}`,
    );
}

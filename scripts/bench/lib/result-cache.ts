// Results that take minutes, kept in files between runs, each with the commit that computed it.

import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A folder of results. */
export interface ResultCache {
  /**
   * The value under `key`, computed when there is none.
   * @param key a file name; names everything that the value depends on but the code
   * @typeParam T survives JSON
   */
  get<T>(key: string, compute: () => Promise<T>): Promise<T>;
  /** The value under `key`, or undefined. */
  peek<T>(key: string): Promise<T | undefined>;
  /** Commits whose values were handed out. */
  commits(): readonly string[];
}

/**
 * The cache in `folder`.
 * @param commit of the code that computes now
 */
export function resultCache(folder: string, commit: string): ResultCache {
  mkdirSync(folder, { recursive: true });
  const used = new Set<string>();
  const fileOf = (key: string): string => join(folder, `${key}.json`);
  const cache: ResultCache = {
    async get(key, compute) {
      const file = fileOf(key);
      if (!existsSync(file)) {
        const value = await compute();
        // Under its name only when it is whole.
        writeFileSync(`${file}.new`, JSON.stringify({ commit, value }));
        renameSync(`${file}.new`, file);
      }
      const stored = JSON.parse(readFileSync(file, 'utf8'));
      used.add(stored.commit);
      return stored.value;
    },
    // What is there is not computed.
    peek: async <T>(key: string) => (existsSync(fileOf(key)) ? cache.get<T>(key, () => Promise.reject(new Error(key))) : undefined),
    commits: () => [...used],
  };
  return cache;
}

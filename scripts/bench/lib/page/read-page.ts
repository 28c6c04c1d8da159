// The page from a folder of benches' JSON.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BENCHES } from '../benches.ts';
import { performancePage } from './performance-page.ts';
import type { Plot } from './section.ts';

/**
 * Reads `FOLDER/NAME.json` of every bench, and why others have none from `FOLDER/absent.json`.
 * @returns Markdown, and the plots that it shows
 */
export function readPage(folder: string): { readonly page: string; readonly plots: readonly Plot[] } {
  const read = (name: string): string | undefined => {
    const file = join(folder, `${name}.json`);
    return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
  };
  const reasons: Record<string, string> = JSON.parse(read('absent') ?? '{}');
  const absent: Record<string, string> = {};
  const sections = BENCHES.flatMap(({ name, apart, section }) => {
    const json = read(name);
    if (json !== undefined) return [{ name, ...section(json) }];
    absent[name] = reasons[name] ?? (apart === undefined ? 'never run here' : `only runs when it is named: ${apart}`);
    return [];
  });
  return { page: performancePage(sections, absent), plots: sections.flatMap(({ plots = [] }) => plots) };
}

// docs/performance.md says what docs/bench has, and nothing else: who edits either by hand is told so.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readPage } from '../../scripts/bench/lib/page/read-page.ts';
import { PACKAGE_ROOT } from '../../src/cli/package-root.ts';

const DOCS = join(PACKAGE_ROOT, 'docs');

test('docs/performance.md and its plots are what `npm run bench -- --render` writes', () => {
  const { page, plots } = readPage(join(DOCS, 'bench'));
  expect(readFileSync(join(DOCS, 'performance.md'), 'utf8')).toBe(page);
  for (const { file, svg } of plots) expect(readFileSync(join(DOCS, 'bench', file), 'utf8')).toBe(svg);
});

test('a bench without figures is named with the reason', () => {
  const { page } = readPage(join(DOCS, 'no such folder'));
  expect(page).toContain('- `build`: never run here');
  expect(page).toContain('- `quality`: only runs when it is named');
});

// The Worker bundle's raw size against its budget, from wrangler's own dry run.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const LIMIT_BYTES = 20 * 2 ** 20;

const folder = mkdtempSync(join(tmpdir(), 'twinroute-size-'));
try {
  const wrangler = spawnSync('wrangler', ['deploy', '--dry-run', '--outdir', folder], {
    encoding: 'utf8',
    env: { ...process.env, CI: '1' },
  });
  if (wrangler.status !== 0) {
    console.error(wrangler.stdout + wrangler.stderr);
    process.exit(1);
  }
  const files = readdirSync(folder).filter((file) => !file.endsWith('.map') && file !== 'README.md');
  const bytes = files.reduce((sum, file) => sum + statSync(join(folder, file)).size, 0);
  console.log(`worker bundle: ${(bytes / 2 ** 20).toFixed(2)} MiB raw of ${LIMIT_BYTES / 2 ** 20} (${files.join(', ')})`);
  process.exitCode = bytes > LIMIT_BYTES ? 1 : 0;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

// `npm test`: all suites but the slow ones, then one plain line `N passed, N failed, N skipped`, so that an empty run is noticed.
//
//   node scripts/test.ts [--slow] [vitest argument …]

import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import * as z from 'zod/mini';

const Report = z.object({
  numPassedTests: z.number(),
  numFailedTests: z.number(),
  numPendingTests: z.number(),
  numFailedTestSuites: z.number(),
});

const REPORT = '.cache/test-report.json';
const args = process.argv.slice(2);
const slow = args.includes('--slow');
const projects = slow ? ['--project', 'slow'] : ['--project', 'node', '--project', 'edge', '--project', 'e2e'];
mkdirSync('.cache', { recursive: true });
rmSync(REPORT, { force: true });
const vitest = spawnSync(
  'vitest',
  ['run', ...projects, '--reporter=default', '--reporter=json', `--outputFile.json=${REPORT}`, ...args.filter((arg) => arg !== '--slow')],
  {
    stdio: 'inherit',
  },
);
let report: z.infer<typeof Report>;
try {
  report = z.parse(Report, JSON.parse(readFileSync(REPORT, 'utf8')));
} catch {
  console.log('0 passed, 1 failed');
  process.exit(1);
}
// A suite that could not be loaded has no tests to count; it has failed all the same.
const failed = Math.max(report.numFailedTests, report.numFailedTestSuites > 0 || vitest.status !== 0 ? 1 : 0);
console.log(`${report.numPassedTests} passed, ${failed} failed, ${report.numPendingTests} skipped`);
process.exit(failed > 0 || report.numPassedTests === 0 ? 1 : 0);

// `npm run check`: the whole gate, in the order of cost, stopping at the first failure.

import { spawnSync } from 'node:child_process';

const STEPS: readonly (readonly [name: string, command: string, ...args: string[]])[] = [
  ['format', 'oxfmt', '--check', '.'],
  ['types', 'tsc', '-b'],
  ['lint', 'oxlint', '--type-aware', '--deny-warnings'],
  ['dead code', 'knip'],
  ['lines', 'node', 'scripts/lines.ts'],
  ['size', 'node', 'scripts/size.ts'],
  ['tests', 'node', 'scripts/test.ts'],
];

for (const [name, command, ...args] of STEPS) {
  const startedAt = performance.now();
  const { status } = spawnSync(command, args, { stdio: 'inherit' });
  if (status !== 0) {
    console.error(`check: ${name} failed (${[command, ...args].join(' ')})`);
    process.exit(1);
  }
  console.log(`check: ${name} ok, ${((performance.now() - startedAt) / 1000).toFixed(1)} s`);
}
console.log(`check: all ${STEPS.length} steps passed`);

#!/usr/bin/env node
// The command: the compiled program of an installed package, or the sources of a clone, which Node 24 runs as they are.

import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const compiled = new URL('../dist/cli/bin.js', import.meta.url);
const source = new URL('../src/cli/bin.ts', import.meta.url);
const isClone = existsSync(fileURLToPath(new URL('../tsconfig.base.json', import.meta.url)));
const [major] = process.versions.node.split('.').map(Number);
if (isClone && major < 24) {
  // The system's Node is older than the one that the clone pins.
  const { spawnSync } = await import('node:child_process');
  const runner = fileURLToPath(new URL('../scripts/run.mjs', import.meta.url));
  process.exit(spawnSync(process.execPath, [runner, fileURLToPath(source), ...process.argv.slice(2)], { stdio: 'inherit' }).status ?? 1);
}
await import(isClone ? source.href : compiled.href);

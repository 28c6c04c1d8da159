// `npm start`: `twinroute dev` on the pack built from experts/; further arguments (`--once`, `--port`) are dev's.

import { spawn } from 'node:child_process';
import { ensureSamplePack } from './sample-pack.ts';

const pack = await ensureSamplePack();
// A process of its own: what the build's engine holds of memory is gone when serving starts.
const child = spawn(process.execPath, [...process.execArgv, 'src/cli/bin.ts', 'dev', pack, ...process.argv.slice(2)], { stdio: 'inherit' });
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => child.kill('SIGTERM'));
child.on('exit', (code) => process.exit(code ?? 1));

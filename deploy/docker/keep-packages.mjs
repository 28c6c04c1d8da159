// Leaves in ./package.json only the packages that an image's verbs need, at their exact versions: `npm install` beside the lock file then installs
// these and what they depend on, as locked, and nothing of workerd, wrangler or tests.
//
//   node keep-packages.mjs origin|build

import { readFileSync, writeFileSync } from 'node:fs';

/** What every verb loads when it starts. */
const ORIGIN = ['@hono/node-server', '@huggingface/tokenizers', 'hono', 'http-message-sig', 'onnxruntime-node', 'yaml', 'zod'];
/** By image; test/deploy holds them against the sources' imports. */
const IMAGES = { origin: ORIGIN, build: [...ORIGIN, '@tensorflow/tfjs', '@tensorflow/tfjs-backend-wasm'] };

const [image] = process.argv.slice(2);
const kept = IMAGES[image];
if (kept === undefined) throw new Error(`expected one of ${Object.keys(IMAGES).join(', ')}, got ${image}`);
const { name, version, type, license, dependencies } = JSON.parse(readFileSync('package.json', 'utf8'));
const chosen = Object.fromEntries(kept.map((each) => [each, dependencies[each]]));
writeFileSync('package.json', `${JSON.stringify({ name, version, type, license, dependencies: chosen }, null, 2)}\n`);

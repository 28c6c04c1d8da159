// The edge in workerd and nothing else: no miniflare before or behind the Worker. How a deployment outside of Cloudflare runs, and what "one
// workerd process" means in a bench.

import { spawn } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import * as z from 'zod/mini';
import { COMPATIBILITY_DATE, COMPATIBILITY_FLAGS } from '../../../src/cli/dev/bundle-worker.ts';
import { DURABLE_OBJECTS } from '../../../src/cli/dev/durable-objects.ts';
import type { EdgeOptions, RunningEdge } from '../../../src/cli/dev/start-edge.ts';
import { parseJsonWith, parseWith } from '../../../src/contract/parse.ts';

/** A running edge and its process. */
export interface PlainEdge extends RunningEdge {
  readonly pid: number;
}

const Binary = z.looseObject({ default: z.string() });
const Event = z.looseObject({ event: z.string(), socket: z.optional(z.string()), port: z.number() });

/** Takes messages and hands each to its consumer at once: what workerd itself has no queue for. */
const QUEUE = `export default {
  async fetch(request, env) {
    const body = JSON.parse(await request.text());
    await env.MAIN.queue('usage', [{ id: crypto.randomUUID(), timestamp: new Date(), attempts: 1, body }]);
    return Response.json({ metadata: { metrics: { backlogCount: 0, backlogBytes: 0, oldestMessageTimestamp: 0 } } });
  },
};
`;

/**
 * Starts workerd on loopback.
 * @param folder where its config is written; created
 */
export async function startPlainEdge(
  folder: string,
  { bundle, assetsFolder, endpoints, stateFolder, variables = {}, inspect = false }: EdgeOptions,
): Promise<PlainEdge> {
  const state = stateFolder ?? join(folder, 'state');
  await mkdir(state, { recursive: true });
  const modules: string[] = [];
  for (const [name, { type, contents }] of Object.entries(bundle.modules)) {
    await writeFile(join(folder, name), contents);
    modules.push(`(name = ${text(name)}, ${type === 'esm' ? 'esModule' : 'wasm'} = embed ${text(name)})`);
  }
  // The first module is the main one.
  modules.sort((a, b) => Number(b.includes(bundle.mainModule)) - Number(a.includes(bundle.mainModule)));
  await writeFile(join(folder, 'queue.js'), QUEUE);
  const texts = Object.entries({ ...variables, OUTBOUND: 'loopback', ENDPOINTS: JSON.stringify(endpoints) });
  const classes = Object.entries(DURABLE_OBJECTS);
  const bindings = [
    ...texts.map(([name, value]) => `(name = ${text(name)}, text = ${text(value)})`),
    ...classes.map(([name, className]) => `(name = ${text(name)}, durableObjectNamespace = ${text(className)})`),
    '(name = "ASSETS", service = "assets")',
    '(name = "USAGE", queue = "queue")',
  ];
  const namespaces = classes.map(([, name]) => `(className = ${text(name)}, uniqueKey = ${text(name)}, enableSql = true)`);
  const config = `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = .main), (name = "queue", worker = .queue), (name = "assets", disk = ${text(assetsFolder)}),
    (name = "state", disk = (path = ${text(state)}, writable = true)), (name = "internet", network = (allow = ["local", "private", "public"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
const main :Workerd.Worker = (
  compatibilityDate = "${COMPATIBILITY_DATE}", compatibilityFlags = [${COMPATIBILITY_FLAGS.map(text).join(', ')}], modules = [${modules.join(', ')}], bindings = [${bindings.join(', ')}],
  durableObjectNamespaces = [${namespaces.join(', ')}], durableObjectStorage = (localDisk = "state"),
);
const queue :Workerd.Worker = (
  compatibilityDate = "${COMPATIBILITY_DATE}", compatibilityFlags = ["service_binding_extra_handlers"],
  modules = [(name = "queue.js", esModule = embed "queue.js")], bindings = [(name = "MAIN", service = "main")],
);
`;
  await writeFile(join(folder, 'config.capnp'), config);
  return serve(join(folder, 'config.capnp'), inspect);
}

/** A string as Cap'n Proto's text form has it, which is C's. */
function text(value: string): string {
  return JSON.stringify(value);
}

async function serve(config: string, inspect: boolean): Promise<PlainEdge> {
  // Miniflare's own workerd, which is no dependency of ours.
  const loaded: unknown = createRequire(createRequire(import.meta.url).resolve('miniflare'))('workerd');
  const { default: binary } = parseWith(Binary, loaded, 'workerd', 'internal');
  const flags = ['--experimental', '--control-fd=3', ...(inspect ? ['--inspector-addr=127.0.0.1:0'] : [])];
  const child = spawn(binary, ['serve', ...flags, config], { stdio: ['ignore', 'inherit', 'inherit', 'pipe'] });
  const ended = new Promise<void>((resolve) => void child.once('exit', () => resolve()));
  const ports = await new Promise<Map<string, number>>((resolve, reject) => {
    const found = new Map<string, number>();
    let output = '';
    child.once('exit', (code) => reject(new Error(`workerd: expected it to serve, got exit code ${code}`)));
    child.stdio[3]?.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      for (const line of output.split('\n').slice(0, -1)) {
        const { event, socket = event, port } = parseJsonWith(Event, line, 'workerd', 'internal');
        found.set(socket, port);
      }
      if (found.has('http') && (!inspect || found.has('listen-inspector'))) resolve(found);
    });
  });
  return {
    url: `http://127.0.0.1:${ports.get('http')}`,
    pid: child.pid ?? 0,
    inspector: inspect ? new URL(`ws://127.0.0.1:${ports.get('listen-inspector')}`) : undefined,
    async close() {
      child.kill();
      await ended;
    },
  };
}

// Holds a running edge against its own OpenAPI document by schemathesis: cases made from the schemas, good ones and bad ones, by every check it has.
//
//   SCHEMATHESIS=/path/to/schemathesis node scripts/schemathesis.ts [--pack packs/sample] [--examples 100] [--seed 1] [--only keys|open]
//
// The edge is `twinroute dev`: the Worker in workerd and real origins, once with accounts (its own key for /v1 and /v2, the root secret for
// /admin) and once without. Skips, and says so, where schemathesis is not there.

import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import * as z from 'zod/mini';
import { PACKAGE_ROOT } from '../src/cli/package-root.ts';

const ROOT_SECRET = 'a root secret for schemathesis, long enough';
const PRICES = JSON.stringify({ answer: { request: 100, per_1000_tokens: 1000 }, route: 10 });

const Manifest = z.object({ name: z.string(), config: z.string() });

const { values: options } = parseArgs({
  options: {
    pack: { type: 'string', default: join(PACKAGE_ROOT, 'packs/sample') },
    examples: { type: 'string', default: '100' },
    seed: { type: 'string', default: '1' },
    only: { type: 'string' },
  },
});

/** What the document cannot say, with reasons. */
const CONFIG = `
# A body that is too large, or was not sent in time, is refused for that.
[checks]
negative_data_rejection.expected-statuses = ["400", "401", "403", "404", "405", "406", "408", "409", "413", "415", "422", "429"]

# Names that exist.
[parameters]
"path.model" = "MODEL"
"path.version" = "VERSION"

# Weights sum to 1 at most, and a mix without weights needs a task; an arm has to exist. A bad input of a batch fails alone.
[[operations]]
include-path = "/v1/predict"
checks.negative_data_rejection.expected-statuses = ["200", "400", "401", "403", "404", "405", "406", "408", "409", "413", "415", "422", "429"]
checks.positive_data_acceptance.expected-statuses = ["2xx", "400", "401", "402", "403", "404", "409", "429"]

# Tensors have the shapes and names that their model has.
[[operations]]
include-path-regex = "/infer$"
checks.positive_data_acceptance.expected-statuses = ["2xx", "400", "401", "402", "403", "404", "409", "429"]

# A place in a ledger needs an account beside it.
[[operations]]
include-path = "/admin/v1/export"
checks.positive_data_acceptance.expected-statuses = ["2xx", "400", "404"]

# A balance stays below what amounts may be.
[[operations]]
include-path-regex = "/credits$"
checks.positive_data_acceptance.expected-statuses = ["2xx", "400", "404"]

# Releases and files are signed and hashed.
[[operations]]
include-path-regex = "^/admin/v1/(releases|blobs|readiness)"
checks.positive_data_acceptance.expected-statuses = ["2xx", "400", "401", "403", "404", "409", "501"]
`;

/** A caller who allows a millisecond gets 504, as it should be: cases that allow little are given more. */
const HOOKS = `
import schemathesis

@schemathesis.hook
def before_call(context, case, kwargs):
    allowed = str((case.headers or {}).get("x-request-timeout-ms", ""))
    if allowed.isascii() and allowed.isdigit() and 0 < int(allowed) < 5000:
        case.headers["x-request-timeout-ms"] = "10000"
`;

const schemathesis = process.env['SCHEMATHESIS'] ?? 'schemathesis';
if (spawnSync(schemathesis, ['--version']).status !== 0) {
  console.log('schemathesis: not there; install it in a virtual environment and name its program by SCHEMATHESIS. Skipped');
  process.exit(0);
}
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
const work = mkdtempSync(join(tmpdir(), 'twinroute-schemathesis-'));
try {
  for (const kind of ['open', 'keys'] as const) if (options.only === undefined || options.only === kind) await run(kind);
} finally {
  rmSync(work, { recursive: true, force: true });
}

async function run(kind: 'open' | 'keys'): Promise<void> {
  const dev = await startDev(kind === 'keys' ? { ADMIN_SECRET: ROOT_SECRET, PRICES } : {}, join(work, `state-${kind}`));
  try {
    const secrets =
      kind === 'keys' ? `\n[auth.openapi.key]\nbearer = "${dev.key}"\n\n[auth.openapi.root]\nbearer = "${ROOT_SECRET}"\n` : '';
    const config = join(work, `${kind}.toml`);
    const { name, config: version } = z.parse(Manifest, JSON.parse(readFileSync(join(options.pack, 'manifest.json'), 'utf8')));
    writeFileSync(config, CONFIG.replace('MODEL', name).replace('VERSION', version) + secrets);
    const hooks = join(work, 'hooks.py');
    writeFileSync(hooks, HOOKS);
    console.log(`\n== ${kind === 'keys' ? 'with accounts' : 'without accounts'}`);
    const args = ['--checks', 'all', '--max-examples', options.examples, '--seed', options.seed, '--workers', '1', '--continue-on-failure'];
    // Times are not what this is about, and a busy machine is slow.
    args.push('--max-response-time', '120', '--request-timeout', '120');
    const test = spawn(schemathesis, ['--config-file', config, 'run', `${dev.url}/openapi.json`, ...args], {
      stdio: 'inherit',
      cwd: work,
      env: { ...process.env, SCHEMATHESIS_HOOKS: hooks },
    });
    const [code]: unknown[] = await once(test, 'exit');
    if (code !== 0) process.exitCode = 1;
  } finally {
    dev.child.kill('SIGTERM');
    await once(dev.child, 'exit');
  }
}

/** `twinroute dev`, once it is ready; `key` is the one that it tells to try with. */
async function startDev(
  env: Readonly<Record<string, string>>,
  state: string,
): Promise<{ readonly child: ChildProcess; readonly url: string; readonly key: string }> {
  const args = ['--disable-warning=ExperimentalWarning', 'src/cli/bin.ts', 'dev', options.pack, '--port', '0', '--origin-port', '0'];
  const child = spawn(process.execPath, [...args, '--state', state], {
    cwd: PACKAGE_ROOT,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  process.once('exit', () => child.kill('SIGTERM'));
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => void (output += text));
  await new Promise<void>((resolve, reject) => {
    const look = (): void => {
      if (output.includes('ctrl-c stops')) resolve();
    };
    child.stdout.on('data', look);
    child.stderr.on('data', look);
    child.once('exit', () => reject(new Error(`dev ended: ${output}`)));
  });
  return { child, url: /edge +(http:\/\/\S+)/.exec(output)?.[1] ?? '', key: /Bearer (tr_\w+)/.exec(output)?.[1] ?? '' };
}

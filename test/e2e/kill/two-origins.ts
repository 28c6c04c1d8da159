// Two origins as processes of their own that can be killed and started again, and an edge in workerd with accounts and signed requests before them.

import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { withPack } from '../../../src/cli/open-pack-folder.ts';
import { generateKeySets } from '../../../src/formats/signing/generate-keys.ts';
import { adminOf, openCustomer, type Admin } from '../../helpers/customer.ts';
import { prepareEdge } from '../../helpers/prepare-edge.ts';
import { buildTinyPack, makeTinyInputs } from '../../helpers/tiny-pack.ts';
import { start, type Program } from '../program.ts';

/** Longest wait for one attempt. */
export const ATTEMPT_MS = 3_000;
const ROOT = 'a root secret for this test, long enough';
const PRICES = { answer: { request: 100, per_1000_tokens: 1000 } };
export const CREDIT = 1e9;

/** The deployment. */
export interface TwoOrigins {
  readonly url: string;
  readonly admin: Admin;
  readonly customer: { readonly id: string; readonly key: string };
  /** Ends an origin at once. @param frozenMs it stands still that long before, with all that it was asked */
  kill(origin: 0 | 1, frozenMs?: number): Promise<void>;
  /** Starts it again where it was; resolves once it listens. */
  restart(origin: 0 | 1): Promise<void>;
  close(): Promise<void>;
}

/** Starts everything. */
export async function startTwoOrigins(): Promise<TwoOrigins> {
  const inputs = await makeTinyInputs();
  const pack = await buildTinyPack(inputs);
  const work = await mkdtemp(join(tmpdir(), 'twinroute-kill-'));
  const keys = await generateKeySets('ed25519');
  const trust = join(work, 'origin.json');
  await writeFile(trust, JSON.stringify(keys.origin));
  const serve = async (origin: 0 | 1, port: string): Promise<{ program: Program; url: string }> => {
    const program = start(
      'origin',
      pack,
      '--port',
      port,
      '--threads',
      '1',
      '--trust',
      trust,
      '--receipts',
      join(work, `receipts-${origin}`),
    );
    return { program, url: (await program.waitFor(/origin at (http:\/\/\S+)/))[1] };
  };
  const origins = [await serve(0, '0'), await serve(1, '0')];
  const prepared = await withPack(pack, (opened) => prepareEdge([opened]));
  const edge = await prepared.start(
    { left: origins[0].url, right: origins[1].url },
    {
      ADMIN_SECRET: ROOT,
      PRICES: JSON.stringify(PRICES),
      SIGNING_KEYS: JSON.stringify(keys.edge),
      UPSTREAM: JSON.stringify({ attempt_ms: ATTEMPT_MS }),
      LOG_LEVEL: 'error',
    },
  );
  const admin = adminOf(() => edge.url, ROOT);
  return {
    url: edge.url,
    admin,
    customer: await openCustomer(admin, CREDIT, ['predict', 'admin-read']),
    async kill(origin, frozenMs = 0) {
      const { process: child, ended } = origins[origin].program;
      if (frozenMs > 0) {
        child.kill('SIGSTOP');
        await sleep(frozenMs);
      }
      child.kill('SIGKILL');
      await ended;
    },
    async restart(origin) {
      origins[origin] = await serve(origin, new URL(origins[origin].url).port);
    },
    async close() {
      await edge.close();
      for (const { program } of origins) {
        if (program.process.exitCode !== null || program.process.signalCode !== null) continue;
        program.process.kill('SIGTERM');
        await once(program.process, 'exit');
      }
      await prepared.remove();
      await inputs.models.remove();
      await rm(work, { recursive: true, force: true });
    },
  };
}

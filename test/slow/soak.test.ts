// A short soak with the sample pack: nothing fails and no answer changes. Whether memory stays flat takes 30 minutes: `node scripts/soak.ts`.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import * as z from 'zod/mini';

const there = existsSync('packs/sample');
const Report = z.object({
  failures: z.record(z.string(), z.number()),
  promotions: z.object({ made: z.number(), failed: z.number() }),
  kinds: z.record(z.string(), z.object({ requests: z.number() })),
});

test.skipIf(!there)(`two minutes of mixed traffic${there ? '' : ' (skipped: no sample pack here)'}`, async () => {
  const soak = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', 'scripts/soak.ts', '--minutes', '2'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [printed] = await Promise.all([text(soak.stdout), once(soak, 'exit')]);
  const { failures, promotions, kinds } = z.parse(Report, JSON.parse(printed));
  expect({ failures, failed: promotions.failed }).toEqual({ failures: {}, failed: 0 });
  expect(Object.keys(kinds)).toHaveLength(12);
});

// `twinroute signing-keys --out DIR`: new keys by which an edge and its origins know each other.

import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TwinrouteError } from '../../core/errors.ts';
import { generateKeySets } from '../../formats/signing/generate-keys.ts';
import { exactly, requiredOption, textOption } from '../options.ts';
import type { Verb } from '../verb.ts';

/** The verb `signing-keys`. */
export const signingKeys: Verb = {
  name: 'signing-keys',
  summary: 'new keys by which an edge and its origins know each other',
  usage: '--out DIR [--algorithm ed25519|hmac-sha256]',
  options: {
    out: { type: 'string', help: 'folder for edge.json and origin.json; both are secret' },
    algorithm: { type: 'string', help: 'ed25519: a pair for each side; hmac-sha256: one shared secret, faster; ed25519' },
  },
  async run(positionals, values, io, json) {
    exactly(positionals, 0, 'no arguments');
    const folder = requiredOption(values, 'out');
    const algorithm = textOption(values, 'algorithm') ?? 'ed25519';
    if (algorithm !== 'ed25519' && algorithm !== 'hmac-sha256')
      throw new TwinrouteError('usage', `--algorithm: expected ed25519 or hmac-sha256, got "${algorithm}"`, { param: 'algorithm' });
    const sets = await generateKeySets(algorithm);
    await mkdir(folder, { recursive: true });
    const files = { edge: join(folder, 'edge.json'), origin: join(folder, 'origin.json') };
    for (const side of ['edge', 'origin'] as const) {
      // 'wx': a key in use is never lost to a second run.
      await writeFile(files[side], `${JSON.stringify(sets[side], null, 2)}\n`, { mode: 0o600, flag: 'wx' }).catch(
        async (cause: unknown) => {
          // Half a pair is of no use. The edge's file is this run's: another one would have stopped it before.
          if (side === 'origin') await rm(files.edge, { force: true });
          throw new TwinrouteError('config', `${files[side]}: expected to write a new file there, got an error`, { cause });
        },
      );
    }
    io.out(
      json
        ? JSON.stringify(files)
        : `${files.edge}: wrangler secret put SIGNING_KEYS < ${files.edge}\n${files.origin}: twinroute origin PACK --trust ${files.origin}`,
    );
  },
};

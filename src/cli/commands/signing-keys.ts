// `twinroute signing-keys --out DIR`: new keys by which an edge and its origins know each other, or an edge those who may publish.

import { join } from 'node:path';
import { TwinrouteError } from '../../core/errors.ts';
import { generateKeySets } from '../../formats/signing/generate-keys.ts';
import { generatePublishKeys } from '../../formats/signing/publish-keys.ts';
import { writeKeyFiles } from '../key-files.ts';
import { exactly, requiredOption, textOption } from '../options.ts';
import type { Verb } from '../verb.ts';

/** The verb `signing-keys`. */
export const signingKeys: Verb = {
  name: 'signing-keys',
  summary: 'new keys by which an edge and its origins know each other, or an edge those who may publish',
  usage: '--out DIR [--algorithm ed25519|hmac-sha256 | --publish]',
  options: {
    out: {
      type: 'string',
      help: 'folder for edge.json and origin.json, both secret; with --publish for publisher.json, secret, and publish-keys.json',
    },
    algorithm: { type: 'string', help: 'ed25519: a pair for each side; hmac-sha256: one shared secret, faster; ed25519' },
    publish: { type: 'boolean', help: "a publisher's key, and its public half for the edge" },
  },
  async run(positionals, values, io, json) {
    exactly(positionals, 0, 'no arguments');
    const folder = requiredOption(values, 'out');
    const algorithm = textOption(values, 'algorithm');
    if (values['publish'] === true) {
      if (algorithm !== undefined)
        throw new TwinrouteError('usage', 'expected no --algorithm beside --publish: releases are signed by ed25519', {
          param: 'algorithm',
        });
      const { publisher, edge } = await generatePublishKeys();
      await writeKeyFiles(folder, { 'publisher.json': publisher, 'publish-keys.json': edge });
      const files = { publisher: join(folder, 'publisher.json'), edge: join(folder, 'publish-keys.json') };
      io.out(
        json
          ? JSON.stringify(files)
          : `${files.publisher}: twinroute publish PACK --key ${files.publisher}\n${files.edge}: wrangler secret put PUBLISH_KEYS < ${files.edge}`,
      );
      return;
    }
    const sets = await generateKeySets(algorithmOf(algorithm));
    await writeKeyFiles(folder, { 'edge.json': sets.edge, 'origin.json': sets.origin });
    const files = { edge: join(folder, 'edge.json'), origin: join(folder, 'origin.json') };
    io.out(
      json
        ? JSON.stringify(files)
        : `${files.edge}: wrangler secret put SIGNING_KEYS < ${files.edge}\n${files.origin}: twinroute origin PACK --trust ${files.origin}`,
    );
  },
};

function algorithmOf(text = 'ed25519'): 'ed25519' | 'hmac-sha256' {
  if (text === 'ed25519' || text === 'hmac-sha256') return text;
  throw new TwinrouteError('usage', `--algorithm: expected ed25519 or hmac-sha256, got "${text}"`, { param: 'algorithm' });
}

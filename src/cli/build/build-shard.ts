// `twinroute build --shard I/N`: one share of a build.

import { buildPart, type Shard } from '../../build/parts/build-part.ts';
import { TwinrouteError } from '../../core/errors.ts';
import { MAX_SHARDS, type Part } from '../../contract/part.ts';
import { megabytesOf } from './megabytes-of.ts';
import type { Io } from '../verb.ts';
import { withBuild, withEngine, type BuildInputs } from './with-build.ts';

/** One share of a build; `parts` are those of a budget's first round. */
export interface ShardOptions extends BuildInputs {
  readonly out: string;
  readonly shard: Shard;
  readonly engine: string;
}

const SHARD = /^(\d{1,5})\/(\d{1,5})$/;

/** @throws {TwinrouteError} `usage` unless it is I/N with I below N */
export function shardOption(text: string | undefined): Shard | undefined {
  if (text === undefined) return undefined;
  const [, index, count] = (SHARD.exec(text) ?? []).map(Number);
  if (index < count && count <= MAX_SHARDS) return { index, count };
  throw new TwinrouteError('usage', `--shard: expected I/N, I from 0 to N-1 and N at most ${MAX_SHARDS}, got "${text}"`, {
    param: 'shard',
  });
}

/** Builds the part of a shard and tells about it. */
export async function buildShard({ shard, out, engine, ...inputs }: ShardOptions, io: Io, json: boolean): Promise<void> {
  const { part, wasThere } = await withBuild(inputs, (plan, spectra) =>
    withEngine(engine, spectra, io, (deps) => buildPart(plan, shard, out, deps, spectra)),
  );
  io.out(json ? JSON.stringify(factsOf(part, wasThere)) : lineOf(part, wasThere));
}

function factsOf({ name, config, shard, kind, engine, files }: Part, wasThere: boolean): object {
  return { name, config, shard, kind, engine, files, was_there: wasThere };
}

function lineOf({ name, config, shard: { index, count }, kind, files }: Part, wasThere: boolean): string {
  return `${name}, config ${config}: shard ${index}/${count}, ${kind}: ${megabytesOf(files)} MB${wasThere ? ', was there' : ''}`;
}

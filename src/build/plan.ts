// A build before it starts: every input opened, checked against the others and hashed, every parameter settled. Nothing has been computed and
// nothing written, so a build that cannot work ends here.

import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { canonicalJson } from '../core/canonical-json.ts';
import type { Budget } from '../core/compress/budget.ts';
import type { RankSpec } from '../core/compress/rank.ts';
import { messageOf, TwinrouteError } from '../core/errors.ts';
import { isAdaptive, type SharedMethod } from '../core/merge/adaptive.ts';
import type { Parameters } from '../core/merge/method.ts';
import { wemoeForm } from '../core/merge/wemoe.ts';
import type { BuildConfig, GateParameters, RankParameters } from '../contract/build-config.ts';
import type { Provenance } from '../contract/manifest.ts';
import { Example } from '../contract/tasks.ts';
import { openBase, openExpert, type Base, type ExpertSource } from '../formats/checkpoint.ts';
import { hashText } from '../formats/hash.ts';
import { parseJsonl } from '../formats/jsonl.ts';
import { createTokenizer } from '../formats/tokenizer.ts';
import { createSha256, openFolder, type HostFolder } from '../host/files.ts';
import type { Gates } from '../model/gate.ts';
import { layoutOf, openArchitecture, type OpenArchitecture } from '../model/registry.ts';
import { readProvenance } from './provenance.ts';
import { readConfig, type NamedConfig } from './read-config.ts';
import { resolveShared } from './resolve-shared.ts';

/** Raised when a build of the same inputs would write other bytes than before: it is part of every config id. */
const PACK_REVISION = 1;
/** Rank of exclusive modules when the config names none. */
const DEFAULT_RANK: RankSpec = { rank: 16 };

/** One expert of a build. */
export interface PlannedExpert {
  readonly name: string;
  readonly source: ExpertSource;
  readonly provenance: Provenance;
  /** Rows for the router; empty when the config names no file. */
  readonly examples: readonly Example[];
}

/** A tokenizer's two files. */
export interface TokenizerFiles {
  readonly json: string;
  readonly config: string;
}

/** A build that can start. */
export interface BuildPlan {
  readonly config: NamedConfig;
  /** Content hash of method, parameters and inputs: the pack's config id. */
  readonly id: string;
  readonly model: OpenArchitecture;
  readonly base: Base;
  readonly baseProvenance: Provenance;
  readonly experts: readonly PlannedExpert[];
  readonly method: SharedMethod;
  /** Resolved parameters of the method, and of each expert under it. */
  readonly parameters: Parameters;
  readonly expertParameters: readonly Parameters[];
  readonly rank: RankSpec | { readonly budget: Budget };
  /** Which gates there are and how they learn; undefined for a method without. */
  readonly gates: (Gates & Omit<GateParameters, 'layers'>) | undefined;
  readonly tokenizer: TokenizerFiles;
  readonly maxTokens: number;
  /** Makes no modules: the shared model and the heads are all that is asked for. */
  readonly sharedOnly?: boolean;
  /** Closes every input. */
  close(): Promise<void>;
}

/**
 * Plans the build of a config file.
 * @throws {TwinrouteError} `config`, `not_found`, `format`, `incompatible` or `unsupported` for whatever stands in the way; nothing stays open then
 * Cost: reads every input once to hash it
 */
export async function planBuild(configFile: string): Promise<BuildPlan> {
  return planConfig(readConfig(await readText(configFile), configFile));
}

/**
 * Plans the build of a config.
 * @throws {TwinrouteError} as `planBuild`
 */
export async function planConfig(config: NamedConfig): Promise<BuildPlan> {
  const { parameters: given } = config;
  const { method, parameters, expertParameters, rank, gates } = resolveMethod(config);
  const folders: HostFolder[] = [];
  const close = async (): Promise<void> => void (await Promise.all(folders.map((folder) => folder.close())));
  const open = async (path: string): Promise<HostFolder> => {
    const folder = await openFolder(path);
    folders.push(folder);
    return folder;
  };
  try {
    const baseFolder = await open(config.base_model);
    const baseProvenance = await readProvenance(baseFolder, createSha256);
    let model: OpenArchitecture | undefined;
    const base = await openBase(
      baseFolder,
      (modelConfig) => {
        model = openArchitecture(modelConfig.model_type, modelConfig);
        return layoutOf(model);
      },
      baseProvenance.sha256,
    );
    if (model === undefined) throw new TwinrouteError('internal', 'planBuild: expected openBase to ask for a layout');
    const experts: PlannedExpert[] = [];
    const exampleHashes: string[] = [];
    for (const entry of config.models) {
      const folder = await open(entry.model);
      const source = await openExpert(folder, base);
      const text = entry.examples === undefined ? '' : await readText(entry.examples);
      exampleHashes.push(hashText(text, createSha256));
      const examples = entry.examples === undefined ? [] : parseJsonl(Example, text, entry.examples);
      experts.push({ name: entry.name, source, provenance: await readProvenance(folder, createSha256), examples });
    }
    const tokenizer = await readTokenizer(baseFolder);
    const maxTokens = maxTokensOf(given.max_tokens, model);
    createTokenizer(tokenizer.json, tokenizer.config, maxTokens); // a tokenizer that does not load is refused before the work
    const id = hashText(
      canonicalJson({
        revision: PACK_REVISION,
        name: config.name,
        method: config.merge_method,
        shared: { method: method.name, parameters, dtype: config.dtype },
        rank,
        ...(given.about === 'base' && { about: given.about }), // the default is left out: configs older than it keep their ids
        ...(config.merge_method === 'emr' && { scale: given.scale }),
        ...(gates !== undefined && { gates }),
        quantize: given.quantize,
        router: given.router,
        policy: given.policy,
        maxTokens,
        seed: given.seed,
        base: baseProvenance.sha256,
        experts: experts.map(({ name, provenance }, i) => ({
          name,
          sha256: provenance.sha256,
          parameters: expertParameters[i],
          examples: exampleHashes[i],
        })),
      }),
      createSha256,
    ).slice(0, 16);
    return {
      config,
      id,
      model,
      base,
      baseProvenance,
      experts,
      method,
      parameters,
      expertParameters,
      rank,
      gates,
      tokenizer,
      maxTokens,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/**
 * What a config says of its method: how the shared model is made, the rule of ranks, the gates.
 * @throws {TwinrouteError} `config` for parameters that the method does not take, and for two things that learn at once
 */
export function resolveMethod(config: NamedConfig): Pick<BuildPlan, 'method' | 'parameters' | 'expertParameters' | 'rank' | 'gates'> {
  const shared = resolveShared(config);
  const gates = gatesOf(config);
  if (gates !== undefined && isAdaptive(shared.method))
    throw new TwinrouteError(
      'config',
      `parameters.shared: expected a method that merges without learning beside gates, which learn themselves, got ${shared.method.name}`,
      { param: 'parameters.shared' },
    );
  return { ...shared, rank: rankRuleOf(config.parameters, config.merge_method), gates };
}

/** The gates of a config, if its method has any. */
function gatesOf({ merge_method: method, parameters: { gate } }: BuildConfig): BuildPlan['gates'] {
  const form = wemoeForm(method);
  return form && { per: form.per, ...gate };
}

/** The rule that a config or a manifest states, or that of its method. */
export function rankRuleOf({ rank, energy, density, budget }: RankParameters, method: string): BuildPlan['rank'] {
  if (budget !== undefined) return { budget };
  if (energy !== undefined) return { energy };
  if (density !== undefined) return { density };
  if (rank !== undefined) return { rank };
  return wemoeForm(method)?.rank ?? DEFAULT_RANK;
}

function maxTokensOf(wanted: number | undefined, { config }: OpenArchitecture): number {
  const limit = config.max_position_embeddings;
  if (wanted === undefined || wanted <= limit) return wanted ?? limit;
  throw new TwinrouteError('config', `parameters.max_tokens: expected at most the base's ${limit} positions, got ${wanted}`, {
    param: 'parameters.max_tokens',
  });
}

async function readTokenizer(folder: HostFolder): Promise<TokenizerFiles> {
  const [json, config] = await Promise.all(
    ['tokenizer.json', 'tokenizer_config.json'].map(async (file) => {
      const source = await folder.open(file);
      return source === undefined ? undefined : new TextDecoder().decode(await source.read(0, source.sizeBytes));
    }),
  );
  if (json !== undefined) return { json, config: config ?? '{}' };
  throw new TwinrouteError(
    'not_found',
    `${folder.name}: expected tokenizer.json, got none; a fast tokenizer's file can be made with tokenizer.save_pretrained()`,
  );
}

/**
 * A text file of the user's.
 * @throws {TwinrouteError} `not_found`
 */
export async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new TwinrouteError('not_found', `${basename(file)}: expected a readable file at ${file}, got: ${messageOf(cause)}`, { cause });
  }
}

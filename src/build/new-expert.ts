// The inputs of `twinroute add`, opened and checked against the pack before any work starts.

import { TwinrouteError } from '../core/errors.ts';
import type { Manifest, Provenance } from '../contract/manifest.ts';
import { Name } from '../contract/names.ts';
import { parseWith } from '../contract/parse.ts';
import { Example } from '../contract/tasks.ts';
import { openBase, openExpert, type Base, type ExpertSource } from '../formats/checkpoint.ts';
import { parseJsonl } from '../formats/jsonl.ts';
import { createSha256, openFolder } from '../host/files.ts';
import { layoutOf, openArchitecture, type OpenArchitecture } from '../model/registry.ts';
import { readText } from './plan.ts';
import { readProvenance } from './provenance.ts';
import { readConfig } from './read-config.ts';

/** Where the inputs lie. */
export interface NewExpertPaths {
  readonly name: string;
  /** A Hugging Face checkpoint or a PEFT adapter. */
  readonly expert: string;
  /** Its texts, JSONL. */
  readonly examples: string;
  /** The base that the pack was built from. */
  readonly base: string;
  /** The config that the pack was built from: it says where the other experts' texts are. */
  readonly config: string;
}

/** An expert that is to join a pack. */
export interface NewExpert {
  readonly name: string;
  readonly model: OpenArchitecture;
  readonly base: Base;
  readonly source: ExpertSource;
  readonly provenance: Provenance;
  /** Texts of every expert, the new one included, by name. */
  readonly examples: ReadonlyMap<string, readonly Example[]>;
}

/**
 * Opens the inputs, hands them to `use` and closes them.
 * @throws {TwinrouteError} `config` for a name that is no name or is taken, or when the config knows no texts of an expert of the pack;
 * `incompatible` for another base than the pack's; as `openExpert`
 */
export async function withNewExpert<T>(manifest: Manifest, paths: NewExpertPaths, use: (expert: NewExpert) => Promise<T>): Promise<T> {
  const name = parseWith(Name, paths.name, '--name', 'config');
  if (manifest.experts.some((expert) => expert.name === name))
    throw new TwinrouteError('config', `--name: expected a name that the pack does not have, got "${name}"`, { param: 'name' });
  const examples = await readExamples(manifest, paths, name);
  const [baseFolder, folder] = [await openFolder(paths.base), await openFolder(paths.expert)];
  try {
    const { sha256 } = await readProvenance(baseFolder, createSha256);
    if (sha256 !== manifest.base.sha256) {
      throw new TwinrouteError(
        'incompatible',
        `${paths.base}: expected the base that the pack was built from (${manifest.base.sha256}), got another (${sha256})`,
        { param: 'base' },
      );
    }
    const model = openArchitecture(manifest.architecture.type, manifest.architecture.config);
    const base = await openBase(baseFolder, () => layoutOf(model), sha256);
    return await use({
      name,
      model,
      base,
      source: await openExpert(folder, base),
      provenance: await readProvenance(folder, createSha256),
      examples,
    });
  } finally {
    await baseFolder.close();
    await folder.close();
  }
}

/** Texts of every expert; a config that lists the new expert too may be given, so that several can be added one after another. */
async function readExamples(manifest: Manifest, paths: NewExpertPaths, name: string): Promise<ReadonlyMap<string, readonly Example[]>> {
  const { models } = readConfig(await readText(paths.config), paths.config);
  const files = new Map(models.flatMap((model) => (model.examples === undefined ? [] : [[model.name, model.examples] as const])));
  files.set(name, paths.examples);
  const examples = new Map<string, readonly Example[]>();
  for (const each of [...manifest.experts.map((expert) => expert.name), name]) {
    const file = files.get(each);
    if (file === undefined)
      throw new TwinrouteError(
        'config',
        `${paths.config}: expected a model named ${each} with examples, as the pack has one, got none; the routers learn from all experts' texts`,
        { param: 'config' },
      );
    examples.set(each, parseJsonl(Example, await readText(file), file));
  }
  return examples;
}

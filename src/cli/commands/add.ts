// `twinroute add PACK EXPERT --out PACK2`: one more expert, everything else as it was.

import { addExpert } from '../../build/add-expert.ts';
import { ENGINES, selectEngine } from '../../build/engine/select.ts';
import { withNewExpert } from '../../build/new-expert.ts';
import { exactly, requiredOption, textOption } from '../options.ts';
import { withPack } from '../open-pack-folder.ts';
import { packageVersion } from '../package-version.ts';
import type { Verb } from '../verb.ts';

/** The verb `add`. */
export const add: Verb = {
  name: 'add',
  summary: 'adds an expert to a pack: shared model and other experts stay as they are, byte for byte',
  usage: 'PACK EXPERT --name N --examples FILE --base DIR --config CONFIG --out PACK2',
  options: {
    name: { type: 'string', help: 'name of the new expert' },
    examples: { type: 'string', help: 'JSONL of {text, text_pair?} in the manner of its task, for the routers' },
    base: { type: 'string', help: 'the base that the pack was built from' },
    config: { type: 'string', help: "the config that the pack was built from, for the other experts' examples" },
    out: { type: 'string', help: 'folder of the new pack; made, or replaced when it is a pack' },
    engine: { type: 'string', help: `auto, ${ENGINES.map((engine) => engine.name).join(', ')}; auto` },
  },
  async run(positionals, values, io, json) {
    const [path, expert] = exactly(positionals, 2, 'a PACK and an EXPERT');
    const out = requiredOption(values, 'out');
    const [name, examples, base, config] = ['name', 'examples', 'base', 'config'].map((option) => requiredOption(values, option));
    const manifest = await withPack(path, (pack) =>
      withNewExpert(pack.manifest, { name, expert, examples, base, config }, async (opened) => {
        const engine = await selectEngine(textOption(values, 'engine') ?? 'auto', { log: io.log });
        try {
          return await addExpert(pack, opened, out, { engine, progress: io.progress, producer: `twinroute ${packageVersion()}` });
        } finally {
          await engine.dispose();
        }
      }),
    );
    if (json) io.out(JSON.stringify({ name: manifest.name, config: manifest.config, engine: manifest.engine, files: manifest.files }));
    else
      io.out(
        `${manifest.name}, config ${manifest.config}: ${manifest.experts.length} experts, the new one ${((manifest.files[`experts/${name}.safetensors`]?.bytes ?? 0) / 1e6).toFixed(2)} MB`,
      );
  },
};

// The shared model, or a mix folded into it, as a checkpoint that transformers loads. Nothing of the merge is left at run time.

import { openPackWeights } from '../../model/pack-weights.ts';
import { writeCheckpoint, writeTokenizer } from './checkpoint.ts';
import { exportedHead, type ExportFormat } from './format.ts';
import { hfModel } from './hf-model.ts';

/** The format `hf`. */
export const hf: ExportFormat = {
  name: 'hf',
  summary: 'a Hugging Face checkpoint of the shared model, or of a mix folded into it',
  takes: ['mix', 'head', 'dtype'],
  async write({ pack, mix = [], head: expert, dtype }, files) {
    const weights = await openPackWeights(pack);
    const head = expert === undefined ? undefined : { expert, ...(await (await weights.expert(expert.name)).head()) };
    await writeCheckpoint(files, '', { model: weights.model, read: (parameter) => weights.folded(parameter, mix), head, dtype });
    await writeTokenizer(files, '', pack);
    const { encoder, classifier } = hfModel(weights.model);
    const inside = new Set([...mix.map((entry) => entry.expert), expert?.name]);
    return {
      mix,
      heads: expert === undefined ? [] : [exportedHead(expert, 0)],
      experts: pack.manifest.experts.filter(({ name }) => inside.has(name)),
      dropped: {},
      usage:
        expert === undefined
          ? `An encoder without a head (${encoder}): load it with \`AutoModel.from_pretrained(folder)\`.`
          : `A classifier with the head of ${expert.name} (${classifier}): load it with \`AutoModelForSequenceClassification.from_pretrained(folder)\`.`,
    };
  },
};

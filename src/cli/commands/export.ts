// `twinroute export PACK --format F OUT`: a pack as other programs load it.

import * as z from 'zod/mini';
import { exportPack } from '../../build/export/export-pack.ts';
import type { ExportDtype } from '../../build/export/format.ts';
import { EXPORT_FORMATS, exportFormat } from '../../build/export/registry.ts';
import { SHARED_FORMATS } from '../../build/merge-models.ts';
import type { ExportRecord } from '../../contract/export-record.ts';
import { parseJsonWith } from '../../contract/parse.ts';
import { TwinrouteError } from '../../core/errors.ts';
import { parseMix, type Mix } from '../../core/mix.ts';
import { withPack } from '../open-pack-folder.ts';
import { exactly, requiredOption, textOption } from '../options.ts';
import { packageVersion } from '../package-version.ts';
import type { Values, Verb } from '../verb.ts';

/** The verb `export`. */
export const exportVerb: Verb = {
  name: 'export',
  summary: 'writes a pack in the formats of other engines',
  usage: `PACK --format ${EXPORT_FORMATS.map((format) => format.name).join('|')} OUT [--mix JSON] [--head EXPERT] [--dtype float32] [--lossy]`,
  options: {
    format: { type: 'string', help: EXPORT_FORMATS.map(({ name, summary }) => `${name}: ${summary}`).join('; ') },
    mix: { type: 'string', help: 'hf, onnx, triton: weights by expert to fold in, as JSON, e.g. {"cola":0.7,"sst2":0.3}' },
    head: { type: 'string', help: 'hf, onnx, triton: expert whose head goes in; the heaviest of the mix' },
    dtype: { type: 'string', help: `hf, peft: ${Object.keys(SHARED_FORMATS).join(', ')}; float32` },
    lossy: { type: 'boolean', help: 'peft: leave out changes that LoRA cannot express, and say which, instead of refusing' },
  },
  async run(positionals, values, io, json) {
    const [path, out] = exactly(positionals, 2, 'one PACK and one OUT');
    const format = exportFormat(requiredOption(values, 'format'));
    const dtype = dtypeOf(values);
    const record = await withPack(path, (pack) => {
      const mix = mixOf(
        values,
        pack.manifest.experts.map((expert) => expert.name),
      );
      return exportPack(
        pack,
        format,
        out,
        { mix, head: textOption(values, 'head'), dtype, lossy: values['lossy'] === true ? true : undefined },
        `twinroute ${packageVersion()}`,
      );
    });
    io.out(json ? JSON.stringify(record) : describe(record, out));
  },
};

function mixOf(values: Values, experts: readonly string[]): Mix | undefined {
  const text = textOption(values, 'mix');
  return text === undefined ? undefined : parseMix(parseJsonWith(z.record(z.string(), z.number()), text, '--mix', 'usage'), experts);
}

function dtypeOf(values: Values): ExportDtype | undefined {
  const text = textOption(values, 'dtype');
  if (text === undefined || text === 'float32' || text === 'float16' || text === 'bfloat16') return text;
  throw new TwinrouteError('usage', `--dtype: expected one of ${Object.keys(SHARED_FORMATS).join(', ')}, got "${text}"`, {
    param: 'dtype',
  });
}

function describe({ format, pack, config, files, dropped }: ExportRecord, out: string): string {
  const total = Object.values(files).reduce((sum, { bytes }) => sum + bytes, 0);
  return [
    `${pack}, config ${config}, as ${format} in ${out}: ${Object.keys(files).length} files, ${(total / 1e6).toFixed(2)} MB`,
    ...Object.entries(dropped).map(([expert, names]) => `left out of ${expert}: ${names.join(', ')}`),
  ].join('\n');
}

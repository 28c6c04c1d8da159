// From a pack to a folder that another program loads. The folder appears whole or not at all; an older export in its place is replaced.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ExportRecord } from '../../contract/export-record.ts';
import { parseJsonWith } from '../../contract/parse.ts';
import { TwinrouteError } from '../../core/errors.ts';
import { expertOf, type Pack } from '../../formats/pack.ts';
import { writeFolder } from '../../host/atomic-folder.ts';
import { createPackFiles } from '../pack-files.ts';
import { exportCard } from './card.ts';
import type { ExportFormat, ExportOptions } from './format.ts';

const RECORD_FILE = 'twinroute.json';

/**
 * Exports a pack.
 * @param out folder that is made, or replaced when it is an export; untouched when the export fails
 * @param producer name and version of the program
 * @returns what was written, as twinroute.json has it
 * @throws {TwinrouteError} `usage` for an option that the format does not take; `unsupported` for what it cannot express; `integrity`
 * when a file of the pack was changed; `not_found` for an expert that it lacks
 */
export async function exportPack(
  pack: Pack,
  format: ExportFormat,
  out: string,
  options: ExportOptions,
  producer: string,
): Promise<ExportRecord> {
  for (const [option, value] of Object.entries(options)) {
    if (value === undefined || format.takes.some((taken) => taken === option)) continue;
    throw new TwinrouteError(
      'usage',
      `--${option}: expected ${format.takes.map((taken) => `--${taken}`).join(', ')} with --format ${format.name}, got --${option}`,
      { param: option },
    );
  }
  const { manifest } = pack;
  const { mix, dtype = 'float32', lossy = false } = options;
  const headName = options.head ?? mix?.[0]?.expert;
  const head = headName === undefined ? undefined : expertOf(manifest, headName);
  return writeFolder(out, isExport, async (folder) => {
    const files = createPackFiles(folder);
    const outcome = await format.write({ pack, mix, head, dtype, lossy }, files);
    const record: ExportRecord = {
      format: format.name,
      pack: manifest.name,
      config: manifest.config,
      producer,
      dtype,
      mix: outcome.mix === null ? null : [...outcome.mix],
      heads: [...outcome.heads],
      base: manifest.base,
      experts: outcome.experts.map(({ name, provenance }) => ({ name, provenance })),
      dropped: outcome.dropped,
      files: files.written(),
    };
    await files.write('README.md', exportCard(record, outcome.usage));
    const complete = { ...record, files: files.written() };
    await folder.write(RECORD_FILE, new TextEncoder().encode(`${JSON.stringify(complete, null, 1)}\n`));
    return complete;
  });
}

/** Whether a folder is an export. Other folders are never replaced. */
async function isExport(path: string): Promise<boolean> {
  try {
    parseJsonWith(ExportRecord, await readFile(join(path, RECORD_FILE), 'utf8'), RECORD_FILE, 'format');
    return true;
  } catch {
    return false;
  }
}

// What an export format is: one row of the registry.

import type { ExportedHead } from '../../contract/export-record.ts';
import type { ManifestExpert } from '../../contract/manifest.ts';
import type { Mix } from '../../core/mix.ts';
import type { Pack } from '../../formats/pack.ts';
import type { SHARED_FORMATS } from '../merge-models.ts';
import type { PackFiles } from '../pack-files.ts';

/** Stored type of exported weights. */
export type ExportDtype = keyof typeof SHARED_FORMATS;

/** Settings that not every format has. */
export interface ExportOptions {
  /** What to fold into the weights. */
  readonly mix?: Mix | undefined;
  /** Expert whose head goes in; by default the mix's heaviest, as the edge answers. */
  readonly head?: string | undefined;
  /** float32 by default. */
  readonly dtype?: ExportDtype | undefined;
  /** Leave out what the format cannot express instead of refusing. */
  readonly lossy?: boolean | undefined;
}

/** What a format gets to work on. */
export interface ExportInput {
  readonly pack: Pack;
  readonly mix: Mix | undefined;
  readonly head: ManifestExpert | undefined;
  readonly dtype: ExportDtype;
  readonly lossy: boolean;
}

/** What a format has to say about what it wrote. */
export interface ExportOutcome {
  readonly heads: readonly ExportedHead[];
  /** What is folded in; null where the mix is still open. */
  readonly mix: Mix | null;
  /** Experts whose modules or heads are inside. */
  readonly experts: readonly ManifestExpert[];
  readonly dropped: Readonly<Record<string, string[]>>;
  /** Markdown for the card: how to load it. */
  readonly usage: string;
}

/** A format of other programs. */
export interface ExportFormat {
  readonly name: string;
  /** One line for help. */
  readonly summary: string;
  readonly takes: readonly (keyof ExportOptions)[];
  /** Writes the model's files; card and record are added by `exportPack`. */
  write(input: ExportInput, files: PackFiles): Promise<ExportOutcome>;
}

/** The record's entry of a head. */
export function exportedHead({ name, problem, labels }: ManifestExpert, first: number): ExportedHead {
  return { expert: name, problem, labels: [...labels], first };
}

// The export formats by name. A new format is a file and a row here.

import { TwinrouteError } from '../../core/errors.ts';
import type { ExportFormat } from './format.ts';
import { hf } from './hf.ts';
import { onnx } from './onnx.ts';
import { peft } from './peft.ts';
import { triton } from './triton.ts';

/** Every format, in the order in which help lists them. */
export const EXPORT_FORMATS: readonly ExportFormat[] = [hf, peft, onnx, triton];

/**
 * The format of a name.
 * @throws {TwinrouteError} `usage` listing the known names
 */
export function exportFormat(name: string): ExportFormat {
  const format = EXPORT_FORMATS.find((row) => row.name === name);
  if (format !== undefined) return format;
  throw new TwinrouteError('usage', `--format: expected one of ${EXPORT_FORMATS.map((row) => row.name).join(', ')}, got "${name}"`, {
    param: 'format',
  });
}

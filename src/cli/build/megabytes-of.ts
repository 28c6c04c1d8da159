// The size of what a build wrote, for people.

import type { ManifestFile } from '../../contract/manifest.ts';

/** Bytes of all files together, in megabytes. */
export function megabytesOf(files: Readonly<Record<string, ManifestFile>>): string {
  return (Object.values(files).reduce((sum, { bytes }) => sum + bytes, 0) / 1e6).toFixed(2);
}

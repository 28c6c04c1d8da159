// Files of a pack in the making: written and hashed in one go, so that the manifest states what was really written.

import type { ManifestFile } from '../contract/manifest.ts';
import { createSha256 } from '../host/files.ts';
import type { FolderWriter } from '../host/atomic-folder.ts';
import type { Report } from '../report/document.ts';
import { toHtml } from '../report/html.ts';
import { toMarkdown } from '../report/markdown.ts';

/** Writes files and remembers what it wrote. */
export interface PackFiles {
  /** Writes a file of the pack. */
  write(file: string, content: Uint8Array | string | AsyncIterable<Uint8Array>): Promise<void>;
  /** What was written, by name, sorted. */
  written(): Record<string, ManifestFile>;
}

/** Files that go into `folder`. */
export function createPackFiles(folder: FolderWriter): PackFiles {
  const files = new Map<string, ManifestFile>();
  return {
    async write(file, content) {
      const hasher = createSha256();
      const chunks =
        typeof content === 'string' ? [new TextEncoder().encode(content)] : content instanceof Uint8Array ? [content] : content;
      async function* hashed(): AsyncGenerator<Uint8Array> {
        for await (const chunk of chunks) {
          hasher.update(chunk);
          yield chunk;
        }
      }
      const bytes = await folder.write(file, hashed());
      files.set(file, { sha256: hasher.hexDigest(), bytes });
    },
    written: () => Object.fromEntries([...files].sort(([a], [b]) => (a < b ? -1 : 1))),
  };
}

/** Writes a pack's report in both forms. */
export async function writeReport(files: PackFiles, report: Report): Promise<void> {
  await files.write('report.md', toMarkdown(report));
  await files.write('report.html', toHtml(report));
}

// The operator's page as files: one script, one style sheet and what is run before painting, each with its hash in its name, and the document that
// names them.

import { readFile } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import { TwinrouteError } from '../../core/errors.ts';
import { PACKAGE_ROOT } from '../package-root.ts';

const FOLDER = join(PACKAGE_ROOT, 'src/page');

/** What the document names, by the name that it has there, and where it begins. */
const ENTRIES = { app: 'main.ts', boot: 'boot.ts', style: 'style/main.css', icon: 'icon.svg' } as const;

/**
 * Bundles src/page.
 * @returns files by their path below `page/`
 * @throws {TwinrouteError} `internal` when the document names something else than the entries
 */
export async function bundlePage(): Promise<ReadonlyMap<string, Uint8Array>> {
  const { build } = await import('esbuild');
  const { outputFiles } = await build({
    entryPoints: Object.entries(ENTRIES).map(([out, file]) => ({ out, in: join(FOLDER, file) })),
    outdir: '/',
    entryNames: '[name]-[hash]',
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    charset: 'utf8',
    legalComments: 'none',
    loader: { '.svg': 'copy' },
    write: false,
  });
  const files = new Map(outputFiles.map(({ path, contents }) => [basename(path), contents]));
  const document = await readFile(join(FOLDER, 'index.html'), 'utf8');
  const named = document.replaceAll(/\/page\/([a-z]+)(\.[a-z]+)/g, (_, name: string, ending: string) => {
    const file = [...files.keys()].find((candidate) => candidate.startsWith(`${name}-`) && extname(candidate) === ending);
    if (file === undefined) throw new TwinrouteError('internal', `src/page/index.html: expected an entry, got ${name}${ending}`);
    return `/page/${file}`;
  });
  return files.set('index.html', new TextEncoder().encode(named));
}

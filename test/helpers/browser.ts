// Chromium for tests of the operator's page: the one that CHROMIUM names, else one where systems usually have it. Tests that need it skip without.

import { existsSync } from 'node:fs';

const PLACES = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/usr/bin/google-chrome-stable',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

/** Path of the browser; undefined where there is none. */
export function findBrowser(): string | undefined {
  const named = process.env['CHROMIUM'];
  return named ?? PLACES.find((place) => existsSync(place));
}

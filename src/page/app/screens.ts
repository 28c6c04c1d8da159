// Every screen there is: its name in addresses, its entry in the navigation, and what opens it. The first is the start.

import { openEndpoints } from '../screens/endpoints/screen.ts';
import { openExperiments } from '../screens/experiments/screen.ts';
import { openExperts } from '../screens/experts/screen.ts';
import { openPlayground } from '../screens/playground/screen.ts';
import { openUsage } from '../screens/usage/screen.ts';
import type { OpenScreen } from './screen.ts';
import type { NavEntry } from './shell.ts';

/** A screen's row. */
export interface ScreenRow extends NavEntry {
  readonly open: OpenScreen;
}

/** The screens, in the order of the navigation. */
export const SCREENS: readonly ScreenRow[] = [
  { name: 'playground', text: 'Playground', sign: 'M4 5h16v11H9l-5 4zM8 9h8M8 12h5', open: openPlayground },
  { name: 'experts', text: 'Experts', sign: 'M12 4l8 4-8 4-8-4zM4 12l8 4 8-4M4 16l8 4 8-4', open: openExperts },
  {
    name: 'experiments',
    text: 'Experiments',
    sign: 'M10 3h4M11 3v6L5 19a1 1 0 0 0 1 2h12a1 1 0 0 0 1-2l-6-10V3M8 15h8',
    open: openExperiments,
  },
  { name: 'endpoints', text: 'Endpoints', sign: 'M3 12h4l3-8 4 16 3-8h4', open: openEndpoints },
  { name: 'usage', text: 'Usage', sign: 'M4 20V10M10 20V4M16 20v-7M21 20H3', open: openUsage },
];

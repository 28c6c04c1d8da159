// Runs before anything is painted, so that a chosen theme does not flash.

import { readTheme, showTheme } from './app/theme.ts';

showTheme(readTheme(localStorage));

// What a screen is given and what it gives.

import type { Api } from '../api/api.ts';

/** What a screen may use. */
export interface ScreenContext {
  readonly api: Api;
  /** Aborted when the reader goes elsewhere. */
  readonly signal: AbortSignal;
  /** The rest of the address, e.g. `['rank-4']` of `#/experiments/rank-4`. */
  readonly path: readonly string[];
  /** Opens the dialog for key and secret. */
  readonly askCredentials: () => void;
  /** Whether the root secret is there. */
  readonly isAdmin: boolean;
  /** Says something to people who do not see the screen change. */
  readonly announce: (text: string) => void;
}

/** One screen. */
export interface Screen {
  readonly title: string;
  /** One sentence on what is to be seen. */
  readonly intro: string;
  readonly content: HTMLElement;
}

/** Opens a screen; it loads what it shows by itself. */
export type OpenScreen = (context: ScreenContext) => Screen;

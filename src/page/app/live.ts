// Part of a screen that shows what the edge says: loading, shown, empty, or failed with the code and the request's id.

import { failureOf, isAbort } from '../api/api-error.ts';
import { h } from '../dom/element.ts';
import { swap } from '../dom/swap.ts';
import { errorPanel } from '../parts/error-panel.ts';
import { skeleton } from '../parts/skeleton.ts';
import { repeat } from './repeat.ts';
import type { ScreenContext } from './screen.ts';

/** What a live part is made of. */
export interface LivePart<T> {
  readonly load: () => Promise<T>;
  readonly view: (value: T) => Node;
  /** Loaded again so often; once when undefined. */
  readonly everyMs?: number;
  /** What is loaded, for people who hear and do not see it. */
  readonly name: string;
}

/** The part, and a function that loads it again now. */
export function live<T>(
  { signal, askCredentials }: Pick<ScreenContext, 'signal' | 'askCredentials'>,
  { load, view, everyMs, name }: LivePart<T>,
): { readonly element: HTMLElement; readonly reload: () => void } {
  const trouble = h('div');
  const shown = h('div', { 'aria-busy': 'true' }, skeleton(name));
  const element = h('div', { class: 'live' }, trouble, shown);
  let last = '';
  let reload = (): void => undefined;
  const work = async (): Promise<void> => {
    try {
      const value = await load();
      if (signal.aborted) return;
      trouble.replaceChildren();
      // What has not changed is left alone: nobody's selection is lost for nothing.
      const text = JSON.stringify(value);
      if (text === last && shown.getAttribute('aria-busy') === 'false') return;
      last = text;
      swap(shown, view(value));
      shown.setAttribute('aria-busy', 'false');
    } catch (thrown) {
      if (signal.aborted || isAbort(thrown)) return;
      const failure = failureOf(thrown);
      if (last === '') {
        shown.replaceChildren();
        shown.setAttribute('aria-busy', 'false');
      }
      swap(trouble, errorPanel(failure, { retry: () => reload(), askCredentials, stale: last !== '' }));
    }
  };
  reload = repeat(work, everyMs, signal);
  return { element, reload };
}

// A form that does something once at a time, and says what came of it.

import { failureOf, isAbort } from '../../api/api-error.ts';
import type { ScreenContext } from '../../app/screen.ts';
import { h, on } from '../../dom/element.ts';
import { errorPanel } from '../../parts/error-panel.ts';

/** What the form is made of. */
export interface ActionParts {
  readonly label: string;
  readonly submit: string;
  readonly fields: readonly HTMLElement[];
  /** Does it; what is then said. */
  readonly run: () => Promise<string>;
}

/** The form. */
export function actionForm({ askCredentials, announce }: ScreenContext, { label, submit, fields, run }: ActionParts): HTMLFormElement {
  const outcome = h('div');
  const button = h('button', { type: 'submit' }, submit);
  const form = h('form', { class: 'stack', 'aria-label': label }, ...fields, h('div', { class: 'row' }, button), outcome);
  const work = async (): Promise<void> => {
    button.disabled = true;
    try {
      const said = await run();
      outcome.replaceChildren(h('p', { class: 'panel panel-good' }, said));
      announce(said);
    } catch (thrown) {
      if (!isAbort(thrown)) outcome.replaceChildren(errorPanel(failureOf(thrown), { askCredentials }));
    } finally {
      button.disabled = false;
    }
  };
  return on(form, 'submit', (event) => {
    event.preventDefault();
    void work();
  });
}

// What is asked: the text, perhaps a second one, and who is to answer.

import { h, on } from '../../dom/element.ts';
import type { Question } from './ask.ts';
import { chosenOf, createFields, offerExperts, questionsOf, type Example } from './fields.ts';
import type { Deployed } from './screen.ts';

/** The form. */
export interface PlaygroundForm {
  readonly element: HTMLElement;
  /** While answers are on their way. */
  setBusy(busy: boolean): void;
}

/**
 * The form.
 * @param path config and expert of the address, if any
 * @param submit hears one question, or two to be answered side by side
 */
export function createForm(
  deployed: readonly Deployed[],
  [startConfig, startExpert]: readonly string[],
  submit: (questions: readonly Question[]) => void,
): PlaygroundForm {
  const fields = createFields(deployed, startConfig);
  const { text, pair, config, other, task, topK, user } = fields;
  const second = h('details', {}, h('summary', {}, 'Second text'), pair.element);
  const chips = h('div', { class: 'chips', role: 'group', 'aria-label': 'Examples, one for each expert' });
  const examples = h('div', { class: 'stack-small' }, h('p', { class: 'label' }, 'Examples'), chips);
  const button = h('button', { type: 'submit', class: 'primary wide' }, 'Ask');
  const who = h('div', { class: 'stack' }, h('div', { class: 'fields' }, task.element, topK.element), user.element);
  const form = h(
    'form',
    { class: 'card stack', 'aria-label': 'Question' },
    text.element,
    examples,
    second,
    h('div', { class: 'fields' }, config.element, other.element),
    h('details', {}, h('summary', {}, 'More'), who),
    button,
    h('p', { class: 'hint' }, 'Ctrl + Enter asks too. Each answer is charged to the key, if there is one.'),
  );
  const fill = (example: Example): void => {
    text.control.value = example.text;
    pair.control.value = example.text_pair ?? '';
    if (example.text_pair !== undefined) second.open = true;
  };
  const offer = (): void => {
    const experts = chosenOf(fields, deployed)?.experts ?? [];
    offerExperts(
      fields,
      experts.map(({ name }) => name),
    );
    chips.replaceChildren(...experts.flatMap(({ name, about }) => (about?.example === undefined ? [] : chip(name, about.example, fill))));
    examples.hidden = chips.childElementCount === 0;
  };
  offer();
  const start = chosenOf(fields, deployed)?.experts.find(({ name }) => name === startExpert)?.about?.example;
  if (start !== undefined) fill(start);
  on(config.control, 'change', offer);
  on(form, 'keydown', (event) => {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) form.requestSubmit();
  });
  on(form, 'submit', (event) => {
    event.preventDefault();
    submit(questionsOf(fields));
  });
  return {
    element: form,
    setBusy(busy) {
      button.textContent = busy ? 'Asking …' : 'Ask';
      form.setAttribute('aria-busy', String(busy));
    },
  };
}

function chip(name: string, example: Example, fill: (example: Example) => void): HTMLElement {
  return on(h('button', { type: 'button', class: 'chip' }, name), 'click', () => fill(example));
}

// What is asked: the text, perhaps a second one, and who is to answer.

import { h, on } from '../../dom/element.ts';
import { uniqueId } from '../../dom/unique-id.ts';
import { inputField, optionOf, selectField, textField, type Choice } from '../../parts/field.ts';
import type { Question } from './ask.ts';
import type { Deployed } from './screen.ts';

/** The form. */
export interface PlaygroundForm {
  readonly element: HTMLElement;
  /** While answers are on their way. */
  setBusy(busy: boolean): void;
}

const NONE = '';
const ROUTER: Choice = { value: NONE, text: 'The router decides' };
const DEFAULT: Choice = { value: NONE, text: 'Default, or an experiment’s arm' };
const AUTO: Choice = { value: NONE, text: 'As the config has it' };

/**
 * The form.
 * @param path config and expert of the address, if any
 * @param submit hears one question, or two to be answered side by side
 */
export function createForm(
  deployed: readonly Deployed[],
  path: readonly string[],
  submit: (questions: readonly Question[]) => void,
): PlaygroundForm {
  const [startConfig, startExpert] = path;
  const text = textField('Text', {
    attributes: { required: true, maxlength: 100_000, placeholder: 'My card was swallowed by the machine' },
  });
  const pair = textField('Second text', { hint: 'Only for experts that compare two texts.', attributes: { rows: 2, maxlength: 100_000 } });
  const configs = deployed.map(({ config }) => ({ value: config.config, text: `${config.name} · ${config.config.slice(0, 6)}` }));
  const config = selectField('Config', [DEFAULT, ...configs]);
  const other = selectField('Side by side with', [{ value: NONE, text: 'Nothing' }, ...configs]);
  const task = selectField('Expert', [ROUTER]);
  const topK = selectField('Experts in the mix', [AUTO, ...[1, 2, 3, 4].map((k) => ({ value: String(k), text: `At most ${k}` }))]);
  const user = inputField('End user', { hint: 'Experiments keep a user’s config.', attributes: { maxlength: 200 } });
  const chosen = (): Deployed | undefined => deployed.find((one) => one.config.config === config.control.value) ?? deployed[0];
  const examples = h('div', { class: 'chips', role: 'group', 'aria-label': 'Examples, one for each expert' });

  function showExperts(): void {
    const experts = chosen()?.experts ?? [];
    const before = task.control.value;
    task.control.replaceChildren(...[ROUTER, ...experts.map(({ name }) => ({ value: name, text: name }))].map(optionOf));
    task.control.value = experts.some(({ name }) => name === before) ? before : NONE;
    examples.replaceChildren(
      ...experts.flatMap(({ name, about }) =>
        about?.example === undefined ? [] : [on(h('button', { type: 'button', class: 'chip' }, name), 'click', () => fill(about.example))],
      ),
    );
    examples.parentElement?.toggleAttribute('hidden', examples.childElementCount === 0);
  }

  function fill(example: { text: string; text_pair?: string | undefined } | undefined): void {
    text.control.value = example?.text ?? '';
    pair.control.value = example?.text_pair ?? '';
    if (example?.text_pair !== undefined) pairFold.open = true;
  }

  const pairFold = h('details', {}, h('summary', {}, 'Second text'), pair.element);
  const button = h('button', { type: 'submit', class: 'primary wide' }, 'Ask');
  const hintId = uniqueId('keys');
  const form = h(
    'form',
    { class: 'card stack', 'aria-label': 'Question' },
    text.element,
    h('div', { class: 'stack-small' }, h('p', { class: 'label' }, 'Examples'), examples),
    pairFold,
    h('div', { class: 'fields' }, config.element, other.element),
    h(
      'details',
      {},
      h('summary', {}, 'More'),
      h('div', { class: 'stack' }, h('div', { class: 'fields' }, task.element, topK.element), user.element),
    ),
    button,
    h('p', { class: 'hint', id: hintId }, 'Ctrl + Enter asks too. Each answer is charged to the key, if there is one.'),
  );
  config.control.value = configs.some(({ value }) => value === startConfig) ? (startConfig ?? NONE) : NONE;
  showExperts();
  if (startExpert !== undefined) fill(chosen()?.experts.find(({ name }) => name === startExpert)?.about?.example);
  on(config.control, 'change', showExperts);
  on(form, 'keydown', (event) => {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) form.requestSubmit();
  });
  on(form, 'submit', (event) => {
    event.preventDefault();
    const question: Question = {
      text: text.control.value,
      ...(pair.control.value.trim() !== '' && { text_pair: pair.control.value }),
      ...(config.control.value !== NONE && { config: config.control.value }),
      ...(task.control.value !== NONE && { task: task.control.value }),
      ...(topK.control.value !== NONE && { top_k: Number(topK.control.value) }),
      ...(user.control.value !== '' && { user: user.control.value }),
    };
    submit(other.control.value === NONE ? [question] : [question, { ...question, config: other.control.value }]);
  });
  return {
    element: form,
    setBusy(busy) {
      button.textContent = busy ? 'Asking …' : 'Ask';
      form.setAttribute('aria-busy', String(busy));
    },
  };
}

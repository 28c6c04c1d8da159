// The controls of a question, and the question that they make.

import { inputField, optionOf, selectField, textField, type Choice } from '../../parts/field.ts';
import type { Question } from './ask.ts';
import type { Deployed } from './screen.ts';

const NONE = '';
const ROUTER: Choice = { value: NONE, text: 'The router decides' };
const DEFAULT: Choice = { value: NONE, text: 'Default, or an experiment’s arm' };
const NOTHING: Choice = { value: NONE, text: 'Nothing' };
const AUTO: Choice = { value: NONE, text: 'As the config has it' };

/** Texts that fill the form. */
export interface Example {
  readonly text: string;
  readonly text_pair?: string | undefined;
}

/** The controls. */
export type Fields = ReturnType<typeof createFields>;

/** The controls. @param config chosen at first, where it is deployed */
export function createFields(deployed: readonly Deployed[], config: string | undefined) {
  const placeholder = 'My card was swallowed by the machine';
  const configs = deployed.map((one) => ({ value: one.config.config, text: `${one.config.name} · ${one.config.config.slice(0, 6)}` }));
  const fields = {
    text: textField('Text', { attributes: { required: true, maxlength: 100_000, placeholder } }),
    pair: textField('Second text', { hint: 'Only for experts that compare two texts.', attributes: { rows: 2, maxlength: 100_000 } }),
    config: selectField('Config', [DEFAULT, ...configs]),
    other: selectField('Side by side with', [NOTHING, ...configs]),
    task: selectField('Expert', [ROUTER]),
    topK: selectField('Experts in the mix', [AUTO, ...[1, 2, 3, 4].map((k) => ({ value: String(k), text: `At most ${k}` }))]),
    user: inputField('End user', { hint: 'Experiments keep a user’s config.', attributes: { maxlength: 200 } }),
  };
  if (configs.some(({ value }) => value === config)) fields.config.control.value = config ?? NONE;
  return fields;
}

/** The config that is chosen; where that is left open, the default. */
export function chosenOf({ config }: Fields, deployed: readonly Deployed[]): Deployed | undefined {
  return deployed.find((one) => one.config.config === config.control.value) ?? deployed[0];
}

/** Offers these experts; keeps what was chosen where it is still among them. */
export function offerExperts({ task: { control } }: Fields, names: readonly string[]): void {
  const before = control.value;
  control.replaceChildren(...[ROUTER, ...names.map((name) => ({ value: name, text: name }))].map(optionOf));
  control.value = names.includes(before) ? before : NONE;
}

/** What is asked: one question, or the same of two configs. */
export function questionsOf({ text, pair, config, other, task, topK, user }: Fields): readonly Question[] {
  const question: Question = {
    text: text.control.value,
    ...(pair.control.value.trim() !== '' && { text_pair: pair.control.value }),
    ...(config.control.value !== NONE && { config: config.control.value }),
    ...(task.control.value !== NONE && { task: task.control.value }),
    ...(topK.control.value !== NONE && { top_k: Number(topK.control.value) }),
    ...(user.control.value !== '' && { user: user.control.value }),
  };
  return other.control.value === NONE ? [question] : [question, { ...question, config: other.control.value }];
}

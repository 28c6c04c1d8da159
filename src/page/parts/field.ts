// Form fields: a label, the control and, if need be, a hint that the control is described by.

import { h, type Attributes, type Child } from '../dom/element.ts';
import { uniqueId } from '../dom/unique-id.ts';

/** A control in its field. */
export interface Field<E extends HTMLElement> {
  readonly element: HTMLElement;
  readonly control: E;
}

/** What a field may have beside its label. */
export interface FieldOptions {
  readonly hint?: Child;
  readonly attributes?: Attributes;
}

/** One choice of a select. */
export interface Choice {
  readonly value: string;
  readonly text: string;
}

/** A line of text, a number, a password. */
export function inputField(label: string, { hint, attributes = {} }: FieldOptions = {}): Field<HTMLInputElement> {
  return fieldOf(label, hint, (ids) => h('input', { type: 'text', autocomplete: 'off', ...ids, ...attributes }));
}

/** A longer text. */
export function textField(label: string, { hint, attributes = {} }: FieldOptions = {}): Field<HTMLTextAreaElement> {
  return fieldOf(label, hint, (ids) => h('textarea', { rows: 4, ...ids, ...attributes }));
}

/** One of several; the first is chosen. */
export function selectField(
  label: string,
  choices: readonly Choice[],
  { hint, attributes = {} }: FieldOptions = {},
): Field<HTMLSelectElement> {
  return fieldOf(label, hint, (ids) => h('select', { ...ids, ...attributes }, ...choices.map(optionOf)));
}

/** An option of a select. */
export function optionOf({ value, text }: Choice): HTMLOptionElement {
  return h('option', { value }, text);
}

/** A box to tick. */
export function checkField(label: string, checked: boolean): Field<HTMLInputElement> {
  const id = uniqueId('field');
  const control = h('input', { type: 'checkbox', id, checked });
  return { element: h('div', { class: 'check' }, control, h('label', { for: id }, label)), control };
}

function fieldOf<E extends HTMLElement>(label: string, hint: Child, make: (ids: Attributes) => E): Field<E> {
  const id = uniqueId('field');
  const hintId = hint === undefined ? undefined : `${id}-hint`;
  const control = make({ id, 'aria-describedby': hintId });
  const element = h(
    'div',
    { class: 'field' },
    h('label', { for: id }, label),
    control,
    hintId !== undefined && h('p', { class: 'hint', id: hintId }, hint),
  );
  return { element, control };
}

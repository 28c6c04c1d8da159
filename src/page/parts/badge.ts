// A state in one word, told by its text and a mark, and only then by colour.

import { h } from '../dom/element.ts';

/** How it is to be taken. */
export type Tone = 'good' | 'warn' | 'bad' | 'quiet' | 'accent';

const MARKS: Readonly<Record<Tone, string>> = { good: '●', warn: '▲', bad: '■', quiet: '○', accent: '◆' };

/** The badge. */
export function badge(text: string, tone: Tone): HTMLElement {
  return h('span', { class: `badge badge-${tone}` }, h('span', { 'aria-hidden': 'true', class: 'badge-mark' }, MARKS[tone]), text);
}

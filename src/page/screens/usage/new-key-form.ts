// What a new key may do.

import { SCOPES, type Scope } from '../../../contract/tenant.ts';
import { IssuedKeyAnswer } from '../../../contract/admin.ts';
import type { ScreenContext } from '../../app/screen.ts';
import { h } from '../../dom/element.ts';
import { checkField, inputField } from '../../parts/field.ts';
import { actionForm } from './action-form.ts';
import { showSecret } from './show-secret.ts';

/** What each scope lets its key do. */
const SCOPE_TEXT: Readonly<Record<Scope, string>> = {
  predict: 'predict: ask for answers',
  route: 'route: ask the router alone',
  feedback: 'feedback: tell outcomes',
  'admin-read': 'admin-read: see usage, experiments, endpoints',
};

/** What a key usually gets. */
const USUAL: readonly Scope[] = ['predict', 'route', 'feedback'];
const DAY_MS = 86_400_000;

/** The form. @param path of the account in the admin API @param issued called after a key was made */
export function newKeyForm(context: ScreenContext, path: string, issued: () => void): HTMLElement {
  const { api, signal } = context;
  const name = inputField('Name', { attributes: { required: true, maxlength: 200 } });
  const rate = inputField('Requests a minute', { hint: 'No limit when empty.', attributes: { type: 'number', min: '1' } });
  const days = inputField('Good for days', { hint: 'For ever when empty.', attributes: { type: 'number', min: '1' } });
  const scopes = SCOPES.map((scope) => ({ scope, field: checkField(SCOPE_TEXT[scope], USUAL.includes(scope)) }));
  return actionForm(context, {
    label: 'New key',
    submit: 'Issue the key',
    fields: [
      name.element,
      h('fieldset', { class: 'checks' }, h('legend', {}, 'May'), ...scopes.map(({ field }) => field.element)),
      h('div', { class: 'fields' }, rate.element, days.element),
    ],
    async run() {
      const body = {
        name: name.control.value,
        scopes: scopes.filter(({ field }) => field.control.checked).map(({ scope }) => scope),
        ...(rate.control.value !== '' && { requests_per_minute: Number(rate.control.value) }),
        ...(days.control.value !== '' && { expires_ms: Date.now() + Number(days.control.value) * DAY_MS }),
      };
      const answer = await api.call(IssuedKeyAnswer, `${path}/keys`, { method: 'POST', body, signal });
      issued();
      showSecret(answer.body);
      return `Issued ${answer.body.name}.`;
    },
  });
}

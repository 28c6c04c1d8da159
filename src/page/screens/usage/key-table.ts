// The keys of an account, and what can be done with each.

import { IssuedKeyAnswer, KeyAnswer } from '../../../contract/admin.ts';
import { failureOf, isAbort } from '../../api/api-error.ts';
import type { ScreenContext } from '../../app/screen.ts';
import { h, on, type Child } from '../../dom/element.ts';
import { moment } from '../../format/time.ts';
import { badge } from '../../parts/badge.ts';
import { openDialog } from '../../parts/dialog.ts';
import { errorPanel } from '../../parts/error-panel.ts';
import { table } from '../../parts/table.ts';
import { showSecret } from './show-secret.ts';

/** How long the old secret stays good beside the new one. */
const OVERLAP_SECONDS = 86_400;

/** The table. @param path of the account in the admin API @param changed called after a key was changed */
export function keyTable(context: ScreenContext, path: string, keys: readonly KeyAnswer[], changed: () => void): HTMLElement {
  return table({
    caption: 'Keys',
    captionHidden: true,
    columns: [
      { name: 'Name', cell: ({ name, id }) => h('span', {}, name, h('code', { class: 'quiet block' }, id)) },
      { name: 'May', cell: ({ scopes }) => scopes.join(', ') },
      { name: 'Limits', cell: limitsOf },
      { name: 'State', cell: stateOf },
      {
        name: 'Actions',
        cell: (key) => (key.revoked_ms === undefined ? actions(context, `${path}/keys/${encodeURIComponent(key.id)}`, key, changed) : '–'),
      },
    ],
    rows: keys,
  });
}

function limitsOf({ requests_per_minute: rate, experts, configs, expires_ms: expires }: KeyAnswer): string {
  const parts = [
    rate !== undefined && `${rate} a minute`,
    experts !== undefined && `experts ${experts.join(', ')}`,
    configs !== undefined && `configs ${configs.join(', ')}`,
    expires !== undefined && `until ${moment(expires)}`,
  ].filter((part) => part !== false);
  return parts.length === 0 ? 'none' : parts.join('; ');
}

function stateOf({ revoked_ms: revoked, expires_ms: expires, old_secret_until_ms: overlap }: KeyAnswer): Child {
  const nowMs = Date.now();
  if (revoked !== undefined) return badge('revoked', 'bad');
  if (expires !== undefined && expires <= nowMs) return badge('expired', 'warn');
  if (overlap !== undefined && overlap > nowMs)
    return h('span', {}, badge('good', 'good'), h('span', { class: 'quiet block' }, `old secret until ${moment(overlap)}`));
  return badge('good', 'good');
}

function actions(context: ScreenContext, path: string, { name }: KeyAnswer, changed: () => void): HTMLElement {
  const { api, signal, announce } = context;
  const rotate = async (): Promise<void> => {
    const { body } = await api.call(IssuedKeyAnswer, `${path}/rotate`, {
      method: 'POST',
      body: { overlap_seconds: OVERLAP_SECONDS },
      signal,
    });
    changed();
    showSecret(body);
  };
  const revoke = async (): Promise<void> => {
    await api.call(KeyAnswer, path, { method: 'DELETE', signal });
    changed();
    announce(`${name} is revoked.`);
  };
  return h(
    'div',
    { class: 'row-tight' },
    on(h('button', { type: 'button', 'aria-label': `Rotate ${name}` }, 'Rotate'), 'click', () =>
      confirm(`Rotate ${name}?`, 'A new secret is made; the old one stays good for a day beside it.', 'Rotate', rotate),
    ),
    on(h('button', { type: 'button', class: 'danger', 'aria-label': `Revoke ${name}` }, 'Revoke'), 'click', () =>
      confirm(`Revoke ${name}?`, 'Requests with this key are refused from now on. This cannot be undone.', 'Revoke', revoke),
    ),
  );
}

function confirm(title: string, text: string, verb: string, run: () => Promise<void>): void {
  openDialog(title, (close) => {
    const trouble = h('div');
    const work = async (): Promise<void> => {
      try {
        await run();
        close();
      } catch (thrown) {
        if (!isAbort(thrown)) trouble.replaceChildren(errorPanel(failureOf(thrown)));
      }
    };
    return [
      h('p', {}, text),
      trouble,
      h(
        'div',
        { class: 'row' },
        on(h('button', { type: 'button', class: 'primary' }, verb), 'click', () => void work()),
        on(h('button', { type: 'button' }, 'Cancel'), 'click', close),
      ),
    ];
  });
}

// Why something is not shown: what happened, the code, the request's id, and what can be done about it.

import type { ApiFailure } from '../api/api-error.ts';
import { h, on } from '../dom/element.ts';
import { copyable } from './copy.ts';

/** What can be done. */
export interface ErrorActions {
  readonly retry?: (() => void) | undefined;
  readonly askCredentials?: (() => void) | undefined;
  /** Whether something older is still shown below. */
  readonly stale?: boolean;
}

/** Titles by code; the code itself is always shown beside. */
const TITLES: Readonly<Record<string, string>> = {
  unauthorized: 'This needs a key',
  forbidden: 'This key may not do that',
  payment_required: 'Not enough credit',
  rate_limited: 'Too many requests in this minute',
  overloaded: 'The edge is busy',
  unavailable: 'Nobody can answer right now',
  timeout: 'It took too long',
  not_found: 'Not found',
  invalid_request: 'The edge did not accept this',
  unsupported: 'Not part of this deployment',
  network: 'Offline',
};

/** The panel; it is read out when it appears. */
export function errorPanel(failure: ApiFailure, { retry, askCredentials, stale = false }: ErrorActions = {}): HTMLElement {
  const { code, message, requestId, retryAfterSeconds, details } = failure;
  const needsKey = askCredentials !== undefined && (code === 'unauthorized' || code === 'forbidden');
  return h(
    'div',
    { class: 'panel panel-bad', role: 'alert' },
    h('p', { class: 'panel-title' }, TITLES[code] ?? 'That did not work'),
    h('p', {}, message),
    details !== undefined &&
      h(
        'p',
        { class: 'quiet' },
        Object.entries(details)
          .map(([name, value]) => `${name}: ${value}`)
          .join(' · '),
      ),
    retryAfterSeconds !== undefined && h('p', { class: 'quiet' }, `Try again in ${retryAfterSeconds} s.`),
    stale && h('p', { class: 'quiet' }, 'What is shown below is what was known before.'),
    h(
      'p',
      { class: 'panel-facts' },
      h('span', {}, 'code ', h('code', {}, code)),
      requestId !== undefined && requestId !== '' && h('span', {}, 'request ', copyable(requestId, 'request id')),
    ),
    (needsKey || retry !== undefined) &&
      h(
        'p',
        { class: 'row' },
        needsKey && on(h('button', { type: 'button', class: 'primary' }, 'Enter a key'), 'click', () => askCredentials?.()),
        retry !== undefined && on(h('button', { type: 'button' }, 'Try again'), 'click', () => retry()),
      ),
  );
}

// The operator's page: wires the real browser to the screens.

import { createApi } from './api/api.ts';
import { readAddress } from './app/address.ts';
import { createCredentialStore } from './app/credentials.ts';
import { openCredentialsDialog } from './app/credentials-dialog.ts';
import { SCREENS } from './app/screens.ts';
import { createShell } from './app/shell.ts';
import { h } from './dom/element.ts';

const credentials = createCredentialStore(sessionStorage);
const api = createApi({
  credentialFor: (path) => credentials.forPath(path),
  fetch: (input, init) => fetch(input, init),
  now: () => performance.now(),
});
const shell = createShell(SCREENS, localStorage, askCredentials);
let leave = new AbortController();

function askCredentials(): void {
  openCredentialsDialog(credentials, () => open(false));
}

function open(moved: boolean): void {
  leave.abort();
  leave = new AbortController();
  const [name, ...path] = readAddress(location.hash);
  const row = SCREENS.find((screen) => screen.name === name) ?? SCREENS[0];
  const { key, secret } = credentials.read();
  shell.showOpen(row.name);
  shell.showCredentials(key === '' && secret === '' ? 'Enter a key' : secret === '' ? 'Key set' : 'Admin');
  const { announce } = shell;
  const { title, intro, content } = row.open({ api, signal: leave.signal, path, askCredentials, isAdmin: secret !== '', announce });
  document.title = `${title} · twinroute`;
  const heading = h('h1', { tabindex: -1 }, title);
  shell.main.replaceChildren(h('header', { class: 'screen-head' }, heading, h('p', { class: 'quiet' }, intro)), content);
  if (!moved) return;
  // Who follows a link is told where it led.
  scrollTo(0, 0);
  heading.focus({ preventScroll: true });
}

addEventListener('hashchange', () => open(true));
open(false);

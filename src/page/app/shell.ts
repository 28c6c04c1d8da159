// What stands around every screen: skip link, name, navigation, theme, credentials, and the place where the screen goes.

import { h, on, s } from '../dom/element.ts';
import { addressOf } from './address.ts';
import { chooseTheme, readTheme, THEMES, type Theme } from './theme.ts';

/** One entry of the navigation. */
export interface NavEntry {
  readonly name: string;
  readonly text: string;
  /** Path data of its sign, in a box of 24. */
  readonly sign: string;
}

/** The shell's moving parts. */
export interface Shell {
  readonly main: HTMLElement;
  /** Marks the entry that is open. */
  showOpen(name: string): void;
  /** Says whose credentials are there. */
  showCredentials(text: string): void;
  announce(text: string): void;
}

/** Half a disc, and a key. */
const THEME_SIGN = 'M12 4a8 8 0 1 0 0 16zM12 4a8 8 0 0 1 0 16';
const KEY_SIGN = 'M15 9a4 4 0 1 0-3.5 4l1.5-.5V15h2v2h2v2h3v-3l-5.5-5.5';

const THEME_TEXT: Readonly<Record<Theme, string>> = { system: 'Auto', light: 'Light', dark: 'Dark' };

/** Builds the shell into the body. */
export function createShell(entries: readonly NavEntry[], storage: Storage, askCredentials: () => void): Shell {
  const main = h('main', { id: 'main', tabindex: -1 });
  const said = h('div', { class: 'hidden', role: 'status', 'aria-live': 'polite' });
  const links = new Map(entries.map((entry) => [entry.name, linkOf(entry)]));
  const credentialText = h('span', {}, 'Enter a key');
  const credentials = on(h('button', { type: 'button', class: 'ghost' }, signOf(KEY_SIGN), credentialText), 'click', askCredentials);
  const skip = on(h('a', { class: 'skip', href: '#main' }, 'Skip to the content'), 'click', (event) => {
    // The address after `#` names the screen.
    event.preventDefault();
    main.focus();
  });
  document.body.append(
    skip,
    h(
      'header',
      { class: 'top' },
      h('a', { class: 'brand', href: addressOf('playground') }, brandSign(), 'twinroute'),
      h('nav', { class: 'nav', 'aria-label': 'Screens' }, h('ul', {}, ...Array.from(links.values(), (link) => h('li', {}, link)))),
      h('div', { class: 'top-end' }, themeButton(storage), credentials),
    ),
    main,
    h(
      'footer',
      { class: 'foot' },
      h('a', { href: '/docs' }, 'Interface'),
      h('a', { href: '/openapi.json' }, 'OpenAPI'),
      h('a', { href: '/health' }, 'Health'),
    ),
    said,
  );
  return {
    main,
    showOpen(name) {
      for (const [entry, link] of links) {
        if (entry === name) link.setAttribute('aria-current', 'page');
        else link.removeAttribute('aria-current');
      }
    },
    showCredentials: (text) => void (credentialText.textContent = text),
    announce: (text) => void (said.textContent = text),
  };
}

function linkOf({ name, text, sign }: NavEntry): HTMLAnchorElement {
  return h('a', { href: addressOf(name) }, signOf(sign), h('span', {}, text));
}

function signOf(path: string): SVGElement {
  return s('svg', { viewBox: '0 0 24 24', 'aria-hidden': 'true', class: 'sign' }, s('path', { d: path }));
}

function brandSign(): SVGElement {
  return s(
    'svg',
    { viewBox: '0 0 32 32', class: 'brand-sign', 'aria-hidden': 'true' },
    s('path', { d: 'M5 8h6c7 0 3 16 16 16' }),
    s('path', { d: 'M5 24h6c7 0 3-16 16-16', class: 'brand-second' }),
  );
}

/** Goes through the themes. */
function themeButton(storage: Storage): HTMLElement {
  const said = h('span');
  const button = h('button', { type: 'button', class: 'ghost' }, signOf(THEME_SIGN), said);
  const show = (theme: Theme): void => {
    said.textContent = THEME_TEXT[theme];
    button.setAttribute('aria-label', `Theme: ${THEME_TEXT[theme]}. Change it`);
  };
  show(readTheme(storage));
  return on(button, 'click', () => {
    const next = THEMES[(THEMES.indexOf(readTheme(storage)) + 1) % THEMES.length];
    chooseTheme(storage, next);
    show(next);
  });
}

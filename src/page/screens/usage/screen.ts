// Money and keys: the ledger of the key's account, and with the root secret every account and the comparison of the books.

import type { OpenScreen, ScreenContext } from '../../app/screen.ts';
import { h } from '../../dom/element.ts';
import { tabs, type Tab } from '../../parts/tabs.ts';
import { accounts } from './accounts.ts';
import { account } from './account.ts';
import { ledger } from './ledger.ts';
import { books } from './books.ts';

const PARTS: readonly (Tab & { readonly open: (context: ScreenContext) => HTMLElement })[] = [
  { name: 'ledger', text: 'Ledger', open: ledger },
  {
    name: 'accounts',
    text: 'Accounts',
    open: (context) => (context.path[1] === undefined ? accounts(context) : account(context, context.path[1])),
  },
  { name: 'books', text: 'Reconciliation', open: books },
];

/** Opens the screen. */
export const openUsage: OpenScreen = (context) => {
  const part = PARTS.find(({ name }) => name === context.path[0]) ?? PARTS[0];
  return {
    title: 'Usage and ledger',
    intro: 'Every request reserves its highest price, is charged once when it was answered, and costs nothing when it failed.',
    content: h('div', { class: 'stack' }, tabs('usage', 'Parts of usage', PARTS, part.name), part.open(context)),
  };
};

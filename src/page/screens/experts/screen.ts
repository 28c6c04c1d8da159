// What is deployed: configs with their experts, and what was published since.

import type { OpenScreen, ScreenContext } from '../../app/screen.ts';
import { h } from '../../dom/element.ts';
import { tabs, type Tab } from '../../parts/tabs.ts';
import { configCards } from './config-cards.ts';
import { releases } from './releases.ts';

const PARTS: readonly (Tab & { readonly open: (context: ScreenContext) => HTMLElement })[] = [
  { name: 'configs', text: 'Configs', open: configCards },
  { name: 'releases', text: 'Releases', open: releases },
];

/** Opens the screen. */
export const openExperts: OpenScreen = (context) => {
  const part = PARTS.find(({ name }) => name === context.path[0]) ?? PARTS[0];
  return {
    title: 'Experts',
    intro: 'The merged models that answer here, and the experts that each of them can be.',
    content: h('div', { class: 'stack' }, tabs('experts', 'Parts of experts', PARTS, part.name), part.open(context)),
  };
};

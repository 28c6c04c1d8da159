// Names of bases: what counts as another one.

import { expect, test } from 'vitest';
import { findOtherBases } from '../../../src/core/diagnose/stated-bases.ts';

const adapters = (...bases: (string | undefined)[]): { name: string; statedBase: string | undefined }[] =>
  bases.map((statedBase, i) => ({ name: `e${i}`, statedBase }));
const suspects = (bases: (string | undefined)[], source: string | undefined): string[] =>
  findOtherBases(adapters(...bases), { source, folder: '/models/base' }).flatMap(({ experts }) => experts);

test.each([
  [
    'the card’s name, with or without organisation, and the folder’s are the base',
    ['org/mini', 'mini', '/home/me/Mini/', 'base', '../base', undefined],
    'org/mini',
    [],
  ],
  ['another name is another base', ['org/mini', 'org/large'], 'org/mini', ['e1']],
  ['without a card, what most state counts', ['org/a', 'org/b', 'org/a'], undefined, ['e1']],
  ['without a card and a majority, nothing is known', ['org/a', 'org/b'], undefined, []],
  ['one adapter alone cannot be held against anything', ['org/a'], undefined, []],
])('%s', (_title, bases, source, expected) => {
  expect(suspects(bases, source)).toEqual(expected);
});

// Experiments: the list, and one of them.

import type { OpenScreen } from '../../app/screen.ts';
import { experimentList } from './list.ts';
import { experimentDetail } from './detail.ts';

/** Opens the list, or with `#/experiments/KEY` that one. */
export const openExperiments: OpenScreen = (context) => {
  const [key] = context.path;
  if (key === undefined)
    return {
      title: 'Experiments',
      intro: 'Merge configs compared on live traffic. The first arm is what the others are held against.',
      content: experimentList(context),
    };
  return { title: key, intro: 'Intervals hold at every look: look as often as you like.', content: experimentDetail(context, key) };
};

import { expect, test } from 'vitest';
import { drawProgress } from '../../src/cli/progress.ts';

function draw(isTTY: boolean): { lines: string; at: (ms: number) => void; progress: ReturnType<typeof drawProgress> } {
  let now = 0;
  const state = { lines: '' };
  const progress = drawProgress({ isTTY, write: (text: string) => (state.lines += text) }, () => now);
  return {
    get lines() {
      return state.lines;
    },
    at: (ms) => (now = ms),
    progress,
  };
}

test('without a terminal each stage is one line at its start and one at its end', () => {
  const drawn = draw(false);
  for (let done = 0; done <= 3; done++) {
    drawn.at(done * 1000);
    drawn.progress({ stage: 'merge', done, total: 3 });
  }
  expect(drawn.lines).toBe('merge …\nmerge: done, 3 in 3.0 s\n');
});

test('on a terminal one bar is redrawn, at most ten times a second, and ends with a new line', () => {
  const drawn = draw(true);
  for (let done = 0; done <= 100; done++) {
    drawn.at(done * 10);
    drawn.progress({ stage: 'merge', done, total: 100, note: 'w' });
  }
  expect(drawn.lines.split('\r').length - 1).toBeLessThanOrEqual(12);
  expect(drawn.lines).toMatch(/█{24} 100\/100 1\.0 s w\n$/);
});

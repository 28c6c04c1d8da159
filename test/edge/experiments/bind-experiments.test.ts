import { env } from 'cloudflare:workers';
import { expect, test } from 'vitest';
import { bindExperiments } from '../../../src/edge/experiments/bind-experiments.ts';

test('what is in the namespace goes before the variable; without either there are none', async () => {
  const { EXPERIMENT_STATES, CONFIG } = env;
  await CONFIG.delete('experiments');
  expect(await bindExperiments({ EXPERIMENT_STATES, CONFIG, EXPERIMENTS: 'variable' })?.readPublished()).toBe('variable');
  expect(await bindExperiments({ EXPERIMENT_STATES, EXPERIMENTS: 'variable' })?.readPublished()).toBe('variable');
  expect(await bindExperiments({ EXPERIMENT_STATES, CONFIG })?.readPublished()).toBeUndefined();
  await CONFIG.put('experiments', 'published');
  expect(await bindExperiments({ EXPERIMENT_STATES, EXPERIMENTS: 'variable', CONFIG })?.readPublished()).toBe('published');
});

test('without a place for their state there are no experiments', () => {
  expect(bindExperiments({ CONFIG: env.CONFIG, EXPERIMENTS: '{"experiments": []}' })).toBeUndefined();
});

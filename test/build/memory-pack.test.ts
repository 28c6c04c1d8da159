import { afterAll, expect, test } from 'vitest';
import { retune } from '../../src/build/memory-pack.ts';
import { planBuild, planConfig, readText } from '../../src/build/plan.ts';
import { readConfig } from '../../src/build/read-config.ts';
import { makeTinyInputs, type TinyInputs } from '../helpers/tiny-pack.ts';

const made: TinyInputs[] = [];

afterAll(() => Promise.all(made.map(({ models }) => models.remove())));

test.each(['twin', 'emr', 'wemoe', 'e_wemoe'] as const)(
  'a plan of Twin retuned to %s is what the config would have planned itself',
  async (method) => {
    const [inputs, other] = [await makeTinyInputs(), await makeTinyInputs({}, 1, method)];
    made.push(inputs, other);
    const config = readConfig(await readText(other.config), other.config);
    const [plan, planned] = [await planBuild(inputs.config), await planConfig(config)];
    const { method: shared, parameters, expertParameters, rank, gates } = retune(plan, config);
    await Promise.all([plan.close(), planned.close()]);
    expect({ shared, parameters, expertParameters, rank, gates }).toEqual({
      shared: planned.method,
      parameters: planned.parameters,
      expertParameters: planned.expertParameters,
      rank: planned.rank,
      gates: planned.gates,
    });
  },
);

// An origin that Kubernetes takes away: probes say no first, then new requests are refused, what was taken is answered, and the process ends well.

import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { buildTinyPack, makeTinyInputs, tinyText, type TinyInputs } from '../helpers/tiny-pack.ts';
import { start } from './program.ts';

let inputs: TinyInputs;
let pack: string;

beforeAll(async () => {
  inputs = await makeTinyInputs();
  pack = await buildTinyPack(inputs);
});

afterAll(() => inputs.models.remove());

test('SIGTERM: not ready at once, taken until the notice is over, then refused with Retry-After; all that was taken is answered', async () => {
  // A row waits for company long enough that the requests below meet it.
  const program = start('origin', pack, '--port', '0', '--max-delay-ms', '4000', '--notice-ms', '500');
  const [, url] = await program.waitFor(/origin at (http:\/\/\S+)/);
  const infer = (): Promise<Response> =>
    fetch(`${url}/v2/models/tiny/infer`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        inputs: [
          { name: 'text', datatype: 'BYTES', shape: [1], data: [tinyText('birds', 5)] },
          { name: 'mix', datatype: 'FP32', shape: [1, 1], data: [1], parameters: { experts: 'birds' } },
        ],
      }),
    });
  const statusOf = async (path: string): Promise<number> => (await fetch(`${url}${path}`)).status;
  const taken = [infer()];
  await vi.waitFor(async () => expect(await (await fetch(`${url}/metrics`)).text()).toMatch(/pending_request_count\{[^}]*\} 1$/m), 10_000);
  expect(await statusOf('/v2/health/ready')).toBe(200);

  program.process.kill('SIGTERM');
  await vi.waitFor(async () => expect(await statusOf('/v2/health/ready')).toBe(503), 5_000);
  taken.push(infer());
  let refused: Response | undefined;
  while (refused === undefined) {
    const answer = infer();
    // One that is taken now has to wait for the run; a refusal comes at once.
    const first = await Promise.race([answer, new Promise<undefined>((resolve) => setTimeout(resolve, 200, undefined))]);
    if (first === undefined) taken.push(answer);
    else refused = first;
  }
  expect([refused.status, refused.headers.get('retry-after'), refused.headers.get('connection')]).toEqual([503, '1', 'close']);
  expect([await statusOf('/v2/health/live'), await statusOf('/v2/health/ready'), await statusOf('/v2/models/tiny/ready')]).toEqual([
    200, 503, 503,
  ]);
  const answers = await Promise.all(taken);
  expect(answers.map(({ status }) => status)).toEqual(taken.map(() => 200));
  expect(await program.ended).toBe(0);
});

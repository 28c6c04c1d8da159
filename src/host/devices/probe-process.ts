// `node probe-process.ts DEVICE`: opens real sessions on a device, holds their answers against the CPU's, and prints a ProbeReport. A process of its own, since
// a driver that fails may take its process with it, and what it writes to stderr is nobody's log.

import { messageOf, TwinrouteError } from '../../core/errors.ts';
import { expectFloat, type Tensor } from '../../core/tensor.ts';
import type { FloatPrecision } from '../../formats/onnx/graph.ts';
import { createProbeTwin, PROBE_TOKENS, type ProbeTwin } from '../../model/probe-twin.ts';
import type { Session } from '../../model/session.ts';
import { createNodeSession } from '../ort-session.ts';
import { askDevice } from './device-answers.ts';
import { DEVICES, type DeviceName } from './device.ts';
import type { Outcome, ProbeReport } from './probe-report.ts';

/** Rows of the runs: more and more, for as long as a run takes no longer than `ENOUGH_MS`, so that fast devices are not judged by how they start and slow ones are soon done. */
const ROWS = [2, 8, 32];
const ENOUGH_MS = 30;

async function probe(device: DeviceName): Promise<ProbeReport> {
  if (device !== 'cpu') await askDevice(device);
  const twin = createProbeTwin();
  const cpu = await createNodeSession(twin.model('fp32'));
  const wanted = await cpu.run(twin.feeds(ROWS[0]));
  const cpuTokensPerSecond = await measure(cpu, twin);
  await cpu.release();
  return {
    cpuTokensPerSecond,
    fp32: await attempt(device, 'fp32', twin, wanted),
    fp16: await attempt(device, 'fp16', twin, wanted),
  };
}

/** Longest part of a driver's message that is repeated. */
const GIST_CHARS = 160;

/** The last sentence of a driver's message: places in its source come first. */
function gist(error: unknown): string {
  const parts = messageOf(error)
    .trim()
    .replace(/\.$/, '')
    .split(/\.\s+|\S+\.cc:\d+ |OrtSessionOptions\w+: /);
  return parts[parts.length - 1].slice(0, GIST_CHARS);
}

type Outputs = Readonly<Record<string, Tensor>>;

async function attempt(device: DeviceName, precision: FloatPrecision, twin: ProbeTwin, wanted: Outputs): Promise<Outcome> {
  try {
    const session = await createNodeSession(twin.model(precision), { device });
    const error = difference(await session.run(twin.feeds(ROWS[0])), wanted);
    const tokensPerSecond = await measure(session, twin);
    await session.release();
    return { error, tokensPerSecond };
  } catch (cause) {
    return { failed: gist(cause) };
  }
}

/** Tokens a second at the largest batch that was tried. */
async function measure(session: Session, twin: ProbeTwin): Promise<number> {
  let tokensPerSecond = 0;
  for (const rows of ROWS) {
    const feeds = twin.feeds(rows);
    await session.run(feeds); // makes the programs of this shape
    const startMs = performance.now();
    await session.run(feeds);
    const ms = performance.now() - startMs;
    tokensPerSecond = (1000 * rows * PROBE_TOKENS) / ms;
    if (ms > ENOUGH_MS) break;
  }
  return tokensPerSecond;
}

/** The largest difference of an element; infinite where an answer is no number. */
function difference(got: Outputs, wanted: Outputs): number {
  let largest = 0;
  for (const [name, tensor] of Object.entries(wanted)) {
    const want = expectFloat(tensor, tensor.shape, name).data;
    for (const [i, value] of expectFloat(got[name], tensor.shape, name).data.entries()) {
      const off = Math.abs(value - want[i]);
      largest = Number.isNaN(off) ? Number.MAX_VALUE : Math.max(largest, off);
    }
  }
  return largest;
}

const device = DEVICES.find(({ name }) => name === process.argv[2]);
if (device === undefined) throw new TwinrouteError('usage', `probe-process: expected a device, got ${process.argv[2]}`);
const report = await probe(device.name).catch((error: unknown): ProbeReport => ({ failed: gist(error) }));
// What drivers do when a process ends by itself is not of interest any more.
process.stdout.write(`${JSON.stringify(report)}\n`, () => process.exit(0));

// Which device an origin runs on and in what precision, and why, in words. `auto` takes the first GPU whose answers are right and which is faster than
// the CPU; speeds are measured here, so that a software renderer is passed over without being known by name.

import { TwinrouteError } from '../../core/errors.ts';
import type { FloatPrecision } from '../../formats/onnx/graph.ts';
import { DEVICES, type Device, type DeviceName } from './device.ts';
import { probeDevice } from './probe-device.ts';
import type { ProbeReport } from './probe-report.ts';

/** What was chosen. */
export interface DeviceChoice {
  readonly name: DeviceName;
  readonly kind: Device['kind'];
  readonly precision: FloatPrecision;
  /** One line for operators. */
  readonly why: string;
}

/** What is asked for. */
export interface DeviceWish {
  /** `auto` or a device's name. */
  readonly device: string;
  /** `auto` or a precision. */
  readonly dtype: string;
}

/** Largest differences from the CPU's f32 answers, which are of about 1, that are still called right. CUDA may compute f32 products in TF32, whose mantissa has 10 bits as a half's has. */
const BOUNDS = { fp32: 5e-3, fp16: 2e-2 } as const satisfies Record<FloatPrecision, number>;

/** In the order in which `auto` wants them. */
const PRECISIONS = ['fp16', 'fp32'] as const satisfies readonly FloatPrecision[];

/**
 * The device to run on. A named GPU is taken however slow it is; the CPU, asked for by name, is not tried.
 * @param probe tries a device
 * @throws {TwinrouteError} `usage` for an unknown device or precision; `unavailable` with the reason when a named one cannot be used here
 */
export async function selectDevice({ device, dtype }: DeviceWish, probe: typeof probeDevice = probeDevice): Promise<DeviceChoice> {
  const names = DEVICES.map(({ name }) => name);
  const wanted = device === 'auto' ? undefined : (DEVICES.find(({ name }) => name === device) ?? unknown('device', names, device));
  const precisions = dtype === 'auto' ? PRECISIONS : PRECISIONS.filter((precision) => precision === dtype);
  if (precisions.length === 0) unknown('dtype', PRECISIONS, dtype);
  const onCpu = (why: string): DeviceChoice => ({ name: 'cpu', kind: 'cpu', precision: dtype === 'fp16' ? 'fp16' : 'fp32', why });
  if (wanted?.kind === 'cpu') return onCpu('asked for');

  const reasons: string[] = [];
  for (const gpu of wanted === undefined ? DEVICES.filter(({ kind }) => kind === 'gpu') : [wanted]) {
    const judged = judge(await probe(gpu.name), precisions);
    if (!judged.usable) reasons.push(wanted === undefined ? `${gpu.name}: ${judged.why}` : judged.why);
    else if (wanted === undefined && judged.speed <= 1) reasons.push(`${gpu.name}: ${judged.why}, but ${speedOf(judged)}`);
    else {
      const why = [judged.why, speedOf(judged), ...reasons].join('; ');
      return { name: gpu.name, kind: gpu.kind, precision: judged.precision, why };
    }
  }
  if (wanted !== undefined)
    throw new TwinrouteError('unavailable', `device ${wanted.name}: expected ${wanted.needs}, got ${reasons.join('; ')}`, {
      param: 'device',
    });
  return onCpu(`no GPU to prefer (${reasons.join('; ')})`);
}

type Judgement =
  | { readonly usable: true; readonly precision: FloatPrecision; readonly why: string; readonly speed: number }
  | { readonly usable: false; readonly why: string };

function judge(report: ProbeReport, precisions: readonly FloatPrecision[]): Judgement {
  if ('failed' in report) return { usable: false, why: report.failed };
  const refused: string[] = [];
  for (const precision of precisions) {
    const outcome = report[precision];
    if ('failed' in outcome) refused.push(`${precision} does not run, ${outcome.failed}`);
    else if (outcome.error > BOUNDS[precision])
      refused.push(`${precision} is wrong: expected answers within ${BOUNDS[precision]} of the CPU's, got ${outcome.error.toPrecision(2)}`);
    else {
      const right = `${precision} is right within ${outcome.error.toPrecision(2)}`;
      return { usable: true, precision, why: [right, ...refused].join(', '), speed: outcome.tokensPerSecond / report.cpuTokensPerSecond };
    }
  }
  return { usable: false, why: refused.join(', ') };
}

function speedOf({ speed }: { readonly speed: number }): string {
  return `at ${speed.toPrecision(2)} times the CPU's speed in a short trial`;
}

function unknown(what: string, known: readonly string[], got: string): never {
  throw new TwinrouteError('usage', `--${what}: expected auto, ${known.join(', ')}, got "${got}"`, { param: what });
}

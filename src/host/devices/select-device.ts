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
export async function selectDevice({ device, dtype }: DeviceWish, probe: Probe = probeDevice): Promise<DeviceChoice> {
  const precisions = dtype === 'auto' ? PRECISIONS : PRECISIONS.filter((precision) => precision === dtype);
  if (precisions.length === 0) unknown('dtype', PRECISIONS, dtype);
  // Halves are slower than f32 on a CPU, so that nobody gets them there unasked.
  const cpu = { name: 'cpu', kind: 'cpu', precision: dtype === 'fp16' ? 'fp16' : 'fp32' } as const;
  if (device === 'auto') return selectGpu(precisions, probe, (reasons) => ({ ...cpu, why: `no GPU to prefer (${reasons.join('; ')})` }));
  const names = DEVICES.map(({ name }) => name);
  const wanted = DEVICES.find(({ name }) => name === device) ?? unknown('device', names, device);
  if (wanted.kind === 'cpu') return { ...cpu, why: 'asked for' };
  const judged = judge(await probe(wanted.name), precisions);
  if (judged.usable) return choose(wanted, judged, []);
  throw new TwinrouteError('unavailable', `device ${wanted.name}: expected ${wanted.needs}, got ${judged.why}`, { param: 'device' });
}

type Probe = typeof probeDevice;

/** The first GPU that is worth it, or what `otherwise` makes of the reasons why none is. */
async function selectGpu(
  precisions: readonly FloatPrecision[],
  probe: Probe,
  otherwise: (reasons: readonly string[]) => DeviceChoice,
): Promise<DeviceChoice> {
  const reasons: string[] = [];
  for (const gpu of DEVICES) {
    if (gpu.kind !== 'gpu') continue;
    const judged = judge(await probe(gpu.name), precisions);
    if (judged.usable && judged.speed > 1) return choose(gpu, judged, reasons);
    reasons.push(`${gpu.name}: ${judged.why}${judged.usable ? `, but ${speedOf(judged)}` : ''}`);
  }
  return otherwise(reasons);
}

function choose({ name, kind }: Device, judged: Usable, reasons: readonly string[]): DeviceChoice {
  return { name, kind, precision: judged.precision, why: [judged.why, speedOf(judged), ...reasons].join('; ') };
}

/** A device that may be used, in the first of the wanted precisions that is right. */
interface Usable {
  readonly usable: true;
  readonly precision: FloatPrecision;
  readonly why: string;
  /** Of the CPU's. */
  readonly speed: number;
}

function judge(report: ProbeReport, precisions: readonly FloatPrecision[]): Usable | { readonly usable: false; readonly why: string } {
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

function speedOf({ speed }: Usable): string {
  return `at ${speed.toPrecision(2)} times the CPU's speed in a short trial`;
}

function unknown(what: string, known: readonly string[], got: string): never {
  throw new TwinrouteError('usage', `--${what}: expected auto, ${known.join(', ')}, got "${got}"`, { param: what });
}

// Whether a device can be used here, by using it in a process of its own. A listing of providers says what was compiled, not what runs.

import { execFile } from 'node:child_process';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseJsonWith } from '../../contract/parse.ts';
import type { DeviceName } from './device.ts';
import { ProbeReport } from './probe-report.ts';

/** Longer than a driver takes to compile its first programs. */
const TIMEOUT_MS = 60_000;

/** Tries a device; never rejects. Cost: a process, about half a second where nothing is found. */
export async function probeDevice(device: DeviceName): Promise<ProbeReport> {
  const { stdout, stderr, end } = await runProbe(device);
  const lines = stdout.trim().split('\n');
  try {
    const report = parseJsonWith(ProbeReport, lines[lines.length - 1], `probe of ${device}`, 'internal');
    return 'failed' in report ? { failed: report.failed + missing(stderr) } : report;
  } catch {
    return { failed: `expected an answer, got ${end}` };
  }
}

/** The probe's process until its end, which is told in words. */
function runProbe(device: DeviceName): Promise<{ stdout: string; stderr: string; end: string }> {
  // The ending of this very file: .ts in a checkout, .js in the package.
  const script = fileURLToPath(new URL(`probe-process${extname(import.meta.filename)}`, import.meta.url));
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [script, device], { timeout: TIMEOUT_MS, killSignal: 'SIGKILL' }, (error, stdout, stderr) => {
      const end =
        error?.killed === true ? `none within ${TIMEOUT_MS / 1000} s` : `the end of the process (${child.signalCode ?? child.exitCode})`;
      resolve({ stdout, stderr, end });
    });
  });
}

/** The library that was not found, in words: only the loader's own line names it. */
function missing(stderr: string): string {
  const [, library] = /([^\s/]+\.so[.\d]*): cannot open shared object file/.exec(stderr) ?? [];
  return library === undefined ? '' : `, ${library} is missing`;
}

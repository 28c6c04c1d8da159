// Where the traces of origins in this process go, by its environment.

import { openOtlp, type TraceExport } from '../formats/telemetry/open-otlp.ts';
import type { Io } from './verb.ts';

/** Undefined without `OTLP`. @throws {TwinrouteError} for a variable that does not fit */
export function openTraces({ OTLP: variable, OTLP_HEADERS: headers }: Io['env']): TraceExport | undefined {
  return variable === undefined ? undefined : openOtlp(variable, headers, 'twinroute-origin', {}, fetch, 'private');
}

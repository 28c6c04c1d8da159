// Where a request stands in a distributed trace, as two headers say it. What does not follow the grammar to the letter is as good as absent.
// Source: W3C Trace Context (https://www.w3.org/TR/trace-context), version 00, and its level 2 for the flag `random`.

/** A place in a trace. */
export interface TraceContext {
  /** 32 hex digits, not all zero. */
  readonly traceId: string;
  /** 16 hex digits, not all zero: the span that calls. */
  readonly spanId: string;
  /** The caller records this trace. */
  readonly sampled: boolean;
  /** The trace id's last 56 bits are random. */
  readonly random: boolean;
  /** Other systems' words, to be passed on as they came; '' for none. */
  readonly state: string;
}

const PARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const KEY = /^(?:[a-z][\w\-*/]{0,255}|[a-z0-9][\w\-*/]{0,240}@[a-z][\w\-*/]{0,13})$/;
const VALUE = /^[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]$/;
/** What everybody must be able to pass on; more is dropped. */
const STATE_CHARS = 512;
const STATE_MEMBERS = 32;
const SAMPLED = 1;
const RANDOM = 2;

/** The caller's place, or undefined when `traceparent` is absent or malformed; then `tracestate` means nothing either. */
export function parseTraceContext(traceparent: string | undefined, tracestate: string | undefined): TraceContext | undefined {
  const [, version, traceId, spanId, flagText, rest] = PARENT.exec(traceparent ?? '') ?? [];
  if (version === undefined || version === 'ff' || (version === '00' && rest !== undefined)) return undefined;
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined;
  const flags = parseInt(flagText, 16);
  return { traceId, spanId, sampled: (flags & SAMPLED) !== 0, random: (flags & RANDOM) !== 0, state: parseState(tracestate ?? '') };
}

/** The list as one line, or '' when it is no list. */
function parseState(text: string): string {
  if (text.length > STATE_CHARS) return '';
  const members = text.split(',').flatMap((member) => member.trim() || []);
  const keys = new Set<string>();
  for (const member of members) {
    const [key, ...value] = member.split('=');
    if (!KEY.test(key) || keys.has(key) || !VALUE.test(value.join('='))) return '';
    keys.add(key);
  }
  return members.length > STATE_MEMBERS ? '' : members.join(',');
}

/** The place as the value of `traceparent`. */
export function formatTraceparent({ traceId, spanId, sampled, random }: Omit<TraceContext, 'state'>): string {
  const flags = (sampled ? SAMPLED : 0) | (random ? RANDOM : 0);
  return `00-${traceId}-${spanId}-0${flags}`;
}

/**
 * Whether a trace that nobody has decided about is recorded: everybody who reads the same id and ratio decides alike.
 * @param ratio share of traces, in [0, 1]
 * Source: OpenTelemetry's TraceIdRatioBased sampler; ours reads the id's last 52 bits, which a number holds exactly
 */
export function isSampled(traceId: string, ratio: number): boolean {
  return parseInt(traceId.slice(-13), 16) / 2 ** 52 < ratio;
}

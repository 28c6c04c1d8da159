// The settings of `twinroute origin`, whichever way they come: flags, environment variables `TWINROUTE_ORIGIN_…` and a YAML file have the same names.

import * as z from 'zod/mini';
import { Name } from './names.ts';

const Text = z.string().check(z.minLength(1), z.maxLength(4096));
const Milliseconds = z.int().check(z.minimum(0), z.maximum(3_600_000));
const Megabytes = z.int().check(z.minimum(0), z.maximum(100_000_000));

/** The settings; every one may be left out. */
export const OriginConfig = z.partial(
  z.strictObject({
    packs: z.array(Text).check(z.maxLength(1000)),
    repository: Text,
    port: z.int().check(z.minimum(0), z.maximum(65_535)),
    host: Text,
    experts: z.array(Name).check(z.minLength(1), z.maxLength(10_000)),
    device: Text,
    dtype: Text,
    threads: z.int().check(z.minimum(1), z.maximum(1024)),
    instances: z.int().check(z.minimum(1), z.maximum(64)),
    trust: Text,
    authority: Text,
    receipts: Text,
    admin_token: z.string().check(z.minLength(16), z.maxLength(4096)),
    admin_token_file: Text,
    watch_ms: z.int().check(z.minimum(0), z.maximum(86_400_000)),
    memory_mb: Megabytes,
    expert_mb: Megabytes,
    promote_mb: Megabytes,
    cache_mb: Megabytes,
    max_batch: z.int().check(z.minimum(1), z.maximum(4096)),
    max_delay_ms: z.int().check(z.minimum(0), z.maximum(10_000)),
    max_queue: z.int().check(z.minimum(1), z.maximum(1_000_000)),
    notice_ms: Milliseconds,
    drain_ms: Milliseconds,
  }),
);
export type OriginConfig = z.infer<typeof OriginConfig>;

/** What is not left open. */
export const ORIGIN_DEFAULTS = {
  port: 8801,
  host: '127.0.0.1',
  device: 'auto',
  dtype: 'auto',
  watch_ms: 0,
  promote_mb: 128,
  cache_mb: 1024,
  max_batch: 32,
  max_delay_ms: 2,
  max_queue: 1024,
  notice_ms: 0,
  drain_ms: 10_000,
} as const satisfies OriginConfig;

/** Settings that hold: what has a default is there. */
export const EffectiveOriginConfig = z.required(OriginConfig, {
  port: true,
  host: true,
  device: true,
  dtype: true,
  watch_ms: true,
  promote_mb: true,
  cache_mb: true,
  max_batch: true,
  max_delay_ms: true,
  max_queue: true,
  notice_ms: true,
  drain_ms: true,
} satisfies Record<keyof typeof ORIGIN_DEFAULTS, true>);
export type EffectiveOriginConfig = z.infer<typeof EffectiveOriginConfig>;

/** A setting as people and texts know it. */
export interface OriginSetting {
  /** How a text of a flag or a variable is read: a list has commas between. */
  readonly kind: 'text' | 'integer' | 'list';
  readonly help: string;
  /** Never printed, and no flag: other users of a machine can read command lines. */
  readonly secret?: true;
}

/** Every setting. */
export const ORIGIN_SETTINGS = {
  packs: { kind: 'list', help: 'folders of packs; the PACK… of the command line' },
  repository: { kind: 'text', help: 'folder whose subfolders are packs, all of them served' },
  port: { kind: 'integer', help: 'port to listen on, or 0 for a free one' },
  host: { kind: 'text', help: 'address to listen on: an origin trusts its callers' },
  experts: { kind: 'list', help: 'names of the experts to hold, with commas between; all of each pack' },
  device: {
    kind: 'text',
    help: 'what to run on: auto, cpu, cuda or webgpu; auto takes the first GPU that is right and faster than the CPU',
  },
  dtype: { kind: 'text', help: 'what weights are stored and computed in: auto, fp32 or fp16; auto takes fp16 on a GPU where it is right' },
  threads: { kind: 'integer', help: "threads inside an operator; a CPU's cores shared by the instances, onnxruntime's choice on a GPU" },
  instances: {
    kind: 'integer',
    help: 'runs side by side, each with its own copy of the weights; two on a CPU that has cores for them, else one',
  },
  trust: { kind: 'text', help: 'file with keys of the edges that may ask, see signing-keys; $TWINROUTE_SIGNING_KEYS, or anybody may' },
  authority: { kind: 'text', help: 'host (and port) that edges call, where a proxy changes the Host header' },
  receipts: { kind: 'text', help: 'folder that keeps the receipts given to edges, for reconciliation; a million of them' },
  admin_token: { kind: 'text', help: "operator's token for loading and unloading; nobody may", secret: true },
  admin_token_file: { kind: 'text', help: 'file with that token' },
  watch_ms: {
    kind: 'integer',
    help: 'how often to look for changed packs, which are then loaded beside the old ones; 0 is on SIGHUP only',
  },
  memory_mb: {
    kind: 'integer',
    help: "memory that the process may take before it gives caches back and then refuses work; nine tenths of its cgroup's or the machine's",
  },
  expert_mb: { kind: 'integer', help: 'megabytes of factors to keep; others are read again when they are asked for; all of them' },
  promote_mb: { kind: 'integer', help: 'megabytes of weights that mixes which keep coming may have of their own' },
  cache_mb: { kind: 'integer', help: 'megabytes of merged weights to keep, for packs whose mixes are merged (emr)' },
  max_batch: { kind: 'integer', help: 'rows of a batch at most' },
  max_delay_ms: { kind: 'integer', help: 'how long a row waits for company at most' },
  max_queue: { kind: 'integer', help: 'rows that may wait before requests are refused with 429' },
  notice_ms: { kind: 'integer', help: 'how long it still takes requests once told to stop, while its probes say that it is not ready' },
  drain_ms: { kind: 'integer', help: 'how long running requests may take after that' },
} as const satisfies Record<keyof OriginConfig, OriginSetting>;

/** A setting's name. */
export type OriginKey = keyof typeof ORIGIN_SETTINGS;

// What probe-process.ts tells the process that started it.

import * as z from 'zod/mini';

const Failed = z.strictObject({ failed: z.string() });

/** How a precision did: its largest difference from the CPU's f32 answers, which are of about 1, and its speed; or why it did not run. */
const Outcome = z.union([z.strictObject({ error: z.number(), tokensPerSecond: z.number() }), Failed]);
export type Outcome = z.infer<typeof Outcome>;

/** The report; `failed` when not even the CPU answered. */
export const ProbeReport = z.union([z.strictObject({ cpuTokensPerSecond: z.number(), fp32: Outcome, fp16: Outcome }), Failed]);
export type ProbeReport = z.infer<typeof ProbeReport>;

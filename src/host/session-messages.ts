// What session-thread.ts and session-worker.ts tell each other. Both ends are this program, so messages are typed and only their outline is checked.

import * as z from 'zod/mini';
import { ERROR_CODES, type ErrorCode } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';
import type { NodeSessionOptions } from './ort-session.ts';

/** Feeds or outputs by name. */
export type Tensors = Readonly<Record<string, Tensor>>;

/** What the thread is asked to do; `session` is the number that `create` answered. */
export type SessionTask =
  | { readonly kind: 'create'; readonly model: Uint8Array; readonly options: NodeSessionOptions }
  | { readonly kind: 'run'; readonly session: number; readonly feeds: Tensors }
  | { readonly kind: 'release'; readonly session: number };

/** A task with the number of its answer. */
export interface SessionRequest {
  readonly id: number;
  readonly task: SessionTask;
}

/** The answer to a request. */
export const SessionAnswer = z.union([
  z.strictObject({ id: z.number(), created: z.number() }),
  z.strictObject({ id: z.number(), outputs: z.custom<Tensors>((value) => typeof value === 'object' && value !== null) }),
  z.strictObject({ id: z.number(), released: z.literal(true) }),
  z.strictObject({
    id: z.number(),
    failed: z.strictObject({
      code: z.custom<ErrorCode>((value) => typeof value === 'string' && Object.hasOwn(ERROR_CODES, value)),
      message: z.string(),
    }),
  }),
]);
export type SessionAnswer = z.infer<typeof SessionAnswer>;

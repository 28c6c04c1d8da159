// Loaded by `node --import` in front of a program: its "webgpu" is the CPU, until the file that $GPU_LOST_WHEN names exists. Then no session runs or opens
// any more, as after a GPU was lost.

import { existsSync } from 'node:fs';
import { InferenceSession } from 'onnxruntime-node';

const file = process.env['GPU_LOST_WHEN'] ?? '';

function failWhenLost(): void {
  if (existsSync(file)) throw new Error('Device is lost');
}

const create: (model: Uint8Array, options?: InferenceSession.SessionOptions) => Promise<InferenceSession> =
  InferenceSession.create.bind(InferenceSession);

Object.defineProperty(InferenceSession, 'create', {
  async value(model: Uint8Array, { executionProviders = [], ...options }: InferenceSession.SessionOptions): Promise<InferenceSession> {
    const gpu = executionProviders.includes('webgpu');
    if (!gpu) return create(model, { executionProviders, ...options });
    failWhenLost();
    const session = await create(model, { ...options, executionProviders: ['cpu'], extra: {} });
    const run: InferenceSession['run'] = session.run.bind(session);
    session.run = (feeds: InferenceSession.FeedsType) => {
      failWhenLost();
      return run(feeds);
    };
    return session;
  },
});

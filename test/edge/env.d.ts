// The bindings that tests in workerd see: those of wrangler.toml.

import type { EdgeEnv } from '../../src/edge/env.ts';

declare global {
  namespace Cloudflare {
    interface Env extends Required<EdgeEnv> {}
  }
}

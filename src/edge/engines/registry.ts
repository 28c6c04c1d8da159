// The engines by name. A new one is a file, a schema in contract/endpoint.ts and a line here.

import type { Endpoint } from '../../contract/endpoint.ts';
import type { Engine } from './engine.ts';
import { llamaCpp } from './llama-cpp.ts';
import { lorax } from './lorax.ts';
import { triton } from './triton.ts';
import { twinroute } from './twinroute.ts';
import { vllm } from './vllm.ts';

const OPENED = new WeakMap<Endpoint, Engine>();

/** What runs at an endpoint; opened once for each, as choosing asks for it with every request. */
export function engineAt(endpoint: Endpoint): Engine {
  const known = OPENED.get(endpoint);
  if (known !== undefined) return known;
  const engine = open(endpoint);
  OPENED.set(endpoint, engine);
  return engine;
}

function open(endpoint: Endpoint): Engine {
  switch (endpoint.engine) {
    case undefined:
    case 'twinroute':
      return twinroute(endpoint);
    case 'triton':
      return triton(endpoint);
    case 'vllm':
      return vllm(endpoint);
    case 'lorax':
      return lorax(endpoint);
    case 'llama_cpp':
      return llamaCpp(endpoint);
  }
}

// Preloaded (`node --import`) into a watched program: tells its parent each second how it is. It keeps nothing alive.

import { monitorEventLoopDelay } from 'node:perf_hooks';
import { isMainThread } from 'node:worker_threads';
import type { OriginSample } from './watched-origin.ts';

const RESOLUTION_MS = 10;

if (isMainThread && process.send !== undefined) {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delay.enable();
  process.channel?.unref();
  setInterval(() => {
    const { rss, heapUsed, external } = process.memoryUsage();
    const sample: OriginSample = {
      at: performance.now(),
      rss,
      heap: heapUsed,
      buffers: external,
      delayMs: Math.max(0, delay.max / 1e6 - RESOLUTION_MS),
      handles: process.getActiveResourcesInfo().length,
    };
    delay.reset();
    process.send?.(sample);
  }, 1000).unref();
}

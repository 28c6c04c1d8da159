// Three projects: `node` for what runs in Node, `edge` for what runs in workerd, `e2e` for whole processes talking to each other.

import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    projects: [
      { test: { name: 'node', include: ['test/**/*.test.ts'], exclude: ['test/edge/**', 'test/e2e/**'], testTimeout: 30_000 } },
    ],
  },
});

import { expect, test } from 'vitest';
import { VERSION } from '../../src/contract/version.ts';
import { packageVersion } from '../../src/cli/package-version.ts';

test('is the package’s', () => {
  expect(VERSION).toBe(packageVersion());
});

import { expect, test } from 'vitest';
import { unstable_readConfig } from 'wrangler';
import * as z from 'zod/mini';
import { DURABLE_OBJECTS } from '../../../src/cli/dev/durable-objects.ts';

const WranglerConfig = z.object({
  durable_objects: z.object({ bindings: z.array(z.object({ name: z.string(), class_name: z.string() })) }),
  migrations: z.array(z.object({ new_sqlite_classes: z.array(z.string()) })),
});

test('wrangler.toml binds the same Durable Objects as dev, and has a migration for every class', () => {
  const config = z.parse(WranglerConfig, unstable_readConfig({ config: 'wrangler.toml' }));
  expect(Object.fromEntries(config.durable_objects.bindings.map(({ name, class_name: className }) => [name, className]))).toEqual(
    DURABLE_OBJECTS,
  );
  expect(config.migrations.flatMap((migration) => migration.new_sqlite_classes).sort()).toEqual(Object.values(DURABLE_OBJECTS).sort());
});

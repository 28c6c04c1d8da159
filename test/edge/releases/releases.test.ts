import { describe, expect, test } from 'vitest';
import { signRelease, type VerifiedRelease } from '../../../src/formats/signing/release-signature.ts';
import { answer } from '../helpers/harness.ts';
import { createDeployment, createPublished, DEPLOYED, NEW, OLD, packOf, publisher, releaseOf, TTL_MS } from './harness.ts';

/** Publishes the new pack as the second release. */
async function publishSecond(
  { deployment, isolate, old, fresh, first }: Awaited<ReturnType<typeof createPublished>>,
  configs = [fresh.entry, old.entry],
): Promise<VerifiedRelease> {
  const second = await signRelease(publisher, releaseOf(first, configs, { action: 'rollout' }));
  expect((await isolate.commit(second)).status).toBe(201);
  await deployment.notice(second.signed);
  return second;
}

describe('a release', () => {
  test('is served in the place of what was deployed, within the TTL', async () => {
    const deployment = createDeployment();
    const isolate = await deployment.isolate();
    expect(await isolate.ask()).toBe(DEPLOYED);
    expect(await isolate.health()).toEqual({ version: null });
    const pack = await packOf(NEW);
    await isolate.upload(pack);
    const first = await signRelease(publisher, releaseOf(undefined, [pack.entry]));
    expect(await isolate.commit(first)).toEqual({ status: 201, body: { version: 1, sha256: first.sha256 } });
    expect(await isolate.ask()).toBe(DEPLOYED);
    isolate.pass(TTL_MS);
    expect(await isolate.ask()).toBe(NEW);
    expect(await isolate.health()).toEqual({ version: 1 });
  });

  test('stages a config: who names it gets it, the default stays', async () => {
    const published = await createPublished();
    const { isolate, old, fresh } = published;
    expect([await isolate.ask(), await isolate.ask(NEW)]).toEqual([OLD, '404']);
    await publishSecond(published, [old.entry, fresh.entry]);
    isolate.pass(TTL_MS);
    expect([await isolate.ask(), await isolate.ask(NEW)]).toEqual([OLD, NEW]);
  });

  test('takes a place that is served without keeping anybody waiting', async () => {
    const published = await createPublished();
    const { isolate, deployment } = published;
    let open = (): void => undefined;
    const door = new Promise<void>((resolve) => (open = resolve));
    const slow = await deployment.isolate({
      sabotage: (store) => ({
        ...store,
        bucket: new Proxy(store.bucket, {
          get: (bucket, name) =>
            name === 'get' && published.fresh !== undefined && slowed
              ? async (key: string) => {
                  await door;
                  return bucket.get(key);
                }
              : Reflect.get(bucket, name).bind(bucket),
        }),
      }),
    });
    let slowed = false;
    expect(await slow.ask()).toBe(OLD);
    slowed = true;
    await publishSecond(published);
    slow.pass(TTL_MS / 2);
    expect([await slow.ask(), await slow.ask()]).toEqual([OLD, OLD]);
    expect(slow.sessions.made).toBe(1);
    open();
    await slow.settle();
    expect(await slow.ask()).toBe(NEW);
    expect(slow.sessions.made).toBe(2);
    expect(await isolate.ask()).toBe(OLD);
  });

  test('does not change what a request under way is answered with', async () => {
    const published = await createPublished();
    let reached = (): void => undefined;
    const arrived = new Promise<void>((resolve) => (reached = resolve));
    let open = (): void => undefined;
    const door = new Promise<void>((resolve) => (open = resolve));
    const isolate = await published.deployment.isolate({
      async origin(call) {
        if (call.url.includes(OLD)) {
          reached();
          await door;
        }
        return answer(call);
      },
    });
    const under = isolate.ask();
    await arrived;
    await publishSecond(published, [published.fresh.entry]);
    isolate.pass(TTL_MS);
    expect(await isolate.ask()).toBe(NEW);
    open();
    expect(await under).toBe(OLD);
  });

  test('that drops a config lets it answer a minute longer, then frees its memory', async () => {
    const published = await createPublished();
    const { isolate, fresh } = published;
    await publishSecond(published, [fresh.entry]);
    isolate.pass(TTL_MS);
    expect(await isolate.ask()).toBe(NEW);
    isolate.pass(59_000);
    expect([await isolate.ask(OLD), isolate.sessions.freed]).toEqual([OLD, 0]);
    isolate.pass(1_000);
    expect([await isolate.ask(OLD), isolate.sessions.freed]).toEqual(['404', 0]);
    isolate.pass(TTL_MS);
    await isolate.ask();
    await isolate.settle();
    expect([isolate.sessions, await isolate.ask()]).toEqual([{ made: 2, freed: 1 }, NEW]);
  });

  test('that brings back what was there a moment ago loads nothing', async () => {
    const published = await createPublished();
    const { isolate, deployment, old, fresh } = published;
    const second = await publishSecond(published, [fresh.entry]);
    isolate.pass(TTL_MS);
    expect(await isolate.ask()).toBe(NEW);
    const third = await signRelease(publisher, releaseOf(second, [old.entry], { action: 'rollback', restores: 1 }));
    await isolate.commit(third);
    await deployment.notice(third.signed);
    isolate.pass(TTL_MS);
    expect(await isolate.ask()).toBe(OLD);
    expect(isolate.sessions).toEqual({ made: 2, freed: 0 });
    isolate.pass(200_000);
    expect([await isolate.ask(), await isolate.ask(NEW)]).toEqual([OLD, '404']);
    await isolate.settle();
    expect(isolate.sessions).toEqual({ made: 2, freed: 1 });
  });
});

// Packs that come and go while others are served. What lies in a place is opened beside what was there before, run once, and put into the table in one step;
// requests that found the old pack finish on it, then it is released. A pack that cannot be opened changes nothing.

import { messageOf, TwinrouteError } from '../../core/errors.ts';
import type { OipIndex, OipModelState } from '../../contract/oip.ts';
import { collectGarbage } from '../../host/collect-garbage.ts';
import type { LiveTable } from '../model-table.ts';
import type { Predictor } from '../predictor.ts';
import { retirePack, type ServedPack } from '../served-pack.ts';
import type { OpenedPack, PackIdentity, PackPlace } from './pack-place.ts';

/** What a repository needs. */
export interface RepositoryOptions {
  readonly places: readonly PackPlace[];
  /** Places that there are beside these, asked again for each load and refresh. */
  readonly discover?: (() => Promise<readonly PackPlace[]>) | undefined;
  readonly table: LiveTable;
  /** What the table has in front of the repository's packs. */
  readonly fixed: readonly ServedPack[];
  readonly serve: (predictor: Predictor) => ServedPack;
  /** Makes room for a pack. @throws {TwinrouteError} `unavailable` when it does not fit */
  readonly makeRoom: (pack: OpenedPack) => Promise<void>;
  /** Told of every load and reload, and of every one that failed. */
  readonly reloaded: (outcome: 'ok' | 'failed') => void;
  readonly log: (line: string) => void;
}

/** Loads and unloads, one at a time. */
export interface Repository {
  /** Loads every place. @throws {TwinrouteError} what the first one that fails throws */
  start(): Promise<void>;
  /**
   * Loads all packs of a name, those that changed again.
   * @throws {TwinrouteError} `not_found` when no place has one; what the first one that fails throws, the old pack being served on
   */
  load(name: string): Promise<void>;
  /** Stops serving all packs of a name, and resolves when they are released. @throws {TwinrouteError} `not_found` */
  unload(name: string): Promise<void>;
  /** Loads what is new or changed, except what was unloaded. Never rejects: failures are logged. */
  refresh(): Promise<void>;
  /** The packs; without the models that read token ids. */
  index(): OipIndex;
  /** Resolves when no pack is being loaded or released. */
  settled(): Promise<void>;
  /** Every pack that is not released yet; nothing is loaded any more. */
  close(): Promise<readonly ServedPack[]>;
}

/** A place with what became of it. */
interface Shelf {
  readonly place: PackPlace;
  state: OipModelState;
  reason: string;
  /** Of the manifest that was looked at last, so that a broken one is tried once. */
  stamp: string | undefined;
  identity: PackIdentity | undefined;
  served: { readonly pack: ServedPack; readonly opened: OpenedPack } | undefined;
  /** By an operator, who alone loads it again. */
  unloaded: boolean;
}

/** Nothing loaded yet. */
export function createRepository({ places, discover, table, fixed, serve, makeRoom, reloaded, log }: RepositoryOptions): Repository {
  const shelves: Shelf[] = [];
  const retiring = new Set<Promise<void>>();
  let turn: Promise<unknown> = Promise.resolve();
  let closed = false;

  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const done = turn.then(() => {
      if (closed) throw new TwinrouteError('unavailable', 'repository: the server is stopping', { retryAfterSeconds: 1 });
      return work();
    });
    turn = done.catch(() => undefined);
    return done;
  };

  const look = async (): Promise<void> => {
    for (const place of [...places, ...((await discover?.()) ?? [])])
      if (!shelves.some((shelf) => shelf.place.path === place.path))
        shelves.push({
          place,
          state: 'UNAVAILABLE',
          reason: '',
          stamp: undefined,
          identity: undefined,
          served: undefined,
          unloaded: false,
        });
  };

  const publish = (): void => table.set([...fixed, ...shelves.flatMap(({ served }) => (served === undefined ? [] : [served.pack]))]);

  const retire = ({ pack, opened }: NonNullable<Shelf['served']>): Promise<void> => {
    const done = retirePack(pack)
      .then(() => opened.close())
      .then(collectGarbage)
      .catch((error: unknown) => log(`${opened.name}: could not be released: ${messageOf(error)}`))
      .finally(() => retiring.delete(done));
    retiring.add(done);
    return done;
  };

  /** @returns whether another pack is served now */
  const put = async (shelf: Shelf, careful: boolean): Promise<boolean> => {
    const { place, served: old } = shelf;
    shelf.stamp = await place.stamp();
    if (old === undefined) shelf.state = 'LOADING';
    try {
      const opened = await place.open();
      try {
        shelf.identity = opened;
        table.expect(opened.name);
        if (opened.digest === old?.opened.digest) {
          await opened.close();
          shelf.reason = '';
          return false;
        }
        await makeRoom(opened);
        const predictor = await opened.load(careful);
        try {
          await warmUp(predictor);
          shelf.served = { pack: serve(predictor), opened };
          publish();
        } catch (error) {
          shelf.served = old;
          await predictor.release();
          throw error;
        }
      } catch (error) {
        await opened.close();
        throw error;
      }
    } catch (error) {
      shelf.state = old === undefined ? 'UNAVAILABLE' : 'READY';
      shelf.reason = messageOf(error);
      if (old !== undefined) shelf.identity = old.opened;
      reloaded('failed');
      throw error;
    }
    shelf.state = 'READY';
    shelf.reason = '';
    shelf.unloaded = false;
    reloaded('ok');
    const { predictor } = shelf.served.pack;
    log(`${place.path}: ${predictor.name} version ${predictor.version}, ${predictor.experts.length} experts`);
    if (old !== undefined) void retire(old);
    return true;
  };

  /** Shelves of a name; those not opened yet are opened to learn theirs. */
  const namesakes = async (name: string): Promise<readonly Shelf[]> => {
    await look();
    for (const shelf of shelves) {
      if (shelf.served !== undefined) continue;
      const opened = await shelf.place.open().catch(() => undefined);
      if (opened === undefined) continue;
      shelf.identity = opened;
      await opened.close();
    }
    const found = shelves.filter(({ identity }) => identity?.name === name);
    if (found.length === 0)
      throw new TwinrouteError('not_found', `repository: expected the name of a pack, got "${name}"`, { param: 'model' });
    return found;
  };

  return {
    start: () =>
      inTurn(async () => {
        await look();
        for (const shelf of shelves) await put(shelf, false);
        // Each was in memory three times while it was loaded.
        collectGarbage();
      }),
    load: (name) =>
      inTurn(async () => {
        for (const shelf of await namesakes(name)) await put(shelf, true);
      }),
    unload: (name) =>
      inTurn(async () => {
        const found = await namesakes(name);
        const leaving = found.flatMap((shelf) => (shelf.served === undefined ? [] : [shelf.served]));
        for (const shelf of found) {
          if (shelf.served !== undefined) shelf.state = 'UNLOADING';
          shelf.served = undefined;
          shelf.unloaded = true;
        }
        publish();
        await Promise.all(leaving.map(retire));
        for (const shelf of found) {
          shelf.state = 'UNAVAILABLE';
          shelf.reason = 'unloaded';
        }
        log(`${name}: unloaded`);
      }),
    refresh: () =>
      inTurn(async () => {
        await look();
        for (const shelf of shelves) {
          if (shelf.unloaded) continue;
          const stamp = await shelf.place.stamp();
          // Without a manifest it is being replaced, or gone: what was read of it is served on.
          if (stamp === undefined || stamp === shelf.stamp) continue;
          await put(shelf, true).catch((error: unknown) => {
            const rest = shelf.served === undefined ? '' : `; version ${shelf.served.opened.version} is served on`;
            log(`${shelf.place.path}: could not be loaded: ${messageOf(error)}${rest}`);
          });
        }
      }).catch((error: unknown) => log(`repository: ${messageOf(error)}`)),
    index: () =>
      shelves.flatMap(({ identity, state, reason }) =>
        identity === undefined ? [] : [{ name: identity.name, version: identity.version, state, reason }],
      ),
    async settled() {
      await turn;
      await Promise.all(retiring);
    },
    async close() {
      closed = true;
      await turn;
      const left = shelves.flatMap(({ served }) => (served === undefined ? [] : [served]));
      return left.map(({ pack, opened }) => ({
        ...pack,
        predictor: {
          ...pack.predictor,
          async release() {
            await pack.predictor.release();
            await opened.close();
          },
        },
      }));
    },
  };
}

/** A run of the shared model and one of each end of the mix: what does not fit is found before anybody asks. */
async function warmUp({ name, experts, run, prepare }: Predictor): Promise<void> {
  const mixes = [new Float32Array(experts.length), Float32Array.from(experts, (_, e) => (e === 0 ? 1 : 0))];
  for (const mix of mixes) {
    await prepare?.(mix);
    const [output] = await run([{ ids: Int32Array.of(0, 0), types: Int32Array.of(0, 0), mix }]);
    if (!output.logits(0).every(Number.isFinite)) throw new TwinrouteError('numeric', `${name}: expected finite answers of a first run`);
  }
}

// The sessions of a device that may be lost. Nothing brings a lost one back into its process, so whoever serves ends, and is started anew.

import { isTwinrouteError, type TwinrouteError } from '../../core/errors.ts';
import type { SessionThread } from '../session-thread.ts';

type Creator = Pick<SessionThread, 'create'>;

/** Watched threads. */
export interface WatchedSessions {
  /** The same ones, watched. */
  readonly threads: readonly Creator[];
  /** Resolves when a run finds the device lost; every run fails at once from then on. */
  readonly lost: Promise<TwinrouteError>;
}

/** Watches the sessions that the threads create. */
export function watchLoss(threads: readonly Creator[]): WatchedSessions {
  let tell: (error: TwinrouteError) => void = () => undefined;
  const lost = new Promise<TwinrouteError>((resolve) => (tell = resolve));
  let loss: TwinrouteError | undefined;
  const watched = (thread: Creator): Creator => ({
    async create(model, options) {
      const session = await thread.create(model, options);
      return {
        async run(feeds) {
          if (loss !== undefined) throw loss;
          try {
            return await session.run(feeds);
          } catch (error) {
            if (isTwinrouteError(error) && error.code === 'unavailable') tell((loss ??= error));
            throw error;
          }
        },
        release: () => session.release(),
      };
    },
  });
  return { lost, threads: threads.map(watched) };
}

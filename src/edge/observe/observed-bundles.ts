// Tells of configs when they are first read, and each time that one is refused.

import type { ErrorCode } from '../../core/errors.ts';
import type { Bundles } from '../bundles.ts';
import type { DeployedConfig } from '../load-config.ts';
import { toTwinrouteError } from '../errors.ts';
import type { EdgeEvent } from './event.ts';

/** Refusals that are the deployment's fault; that a caller names a config that there is not is none. */
const REFUSALS: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['integrity', 'unavailable', 'internal', 'config']);

/** The same bundles, watched. */
export function observedBundles<T extends Bundles>(bundles: T, note: (event: EdgeEvent) => void): T {
  const seen = new WeakSet<DeployedConfig>();
  return {
    ...bundles,
    async load(config) {
      try {
        const deployed = await bundles.load(config);
        if (!seen.has(deployed)) {
          seen.add(deployed);
          note({ kind: 'config', config: deployed.bundle.config, outcome: 'loaded' });
        }
        return deployed;
      } catch (thrown) {
        const { code } = toTwinrouteError(thrown);
        if (REFUSALS.has(code)) note({ kind: 'config', config: await deployedName(bundles, config), outcome: code });
        throw thrown;
      }
    },
  };
}

/** The name of a deployed config: what a caller made up is nobody's label. */
async function deployedName(bundles: Bundles, config: string | undefined): Promise<string> {
  try {
    const { configs } = await bundles.index();
    return (config === undefined ? configs[0] : configs.find((entry) => entry.config === config))?.config ?? 'unknown';
  } catch {
    return 'unknown';
  }
}

// Whether the origins of an edge are ready for a config, as people read it.

import type { ReadinessAnswer } from '../../contract/release.ts';
import { TwinrouteError } from '../../core/errors.ts';

/** What keeps origins from serving a config; empty when nothing does. */
export function whatIsMissing({ endpoints, missing }: ReadinessAnswer): readonly string[] {
  return [
    ...(endpoints.length === 0 ? ['no endpoint is told to serve it'] : []),
    ...endpoints.filter(({ ready }) => !ready).map(({ id, detail }) => `endpoint ${id} does not serve it (${detail})`),
    ...(missing.length > 0 && endpoints.length > 0 ? [`no ready endpoint holds ${missing.join(', ')}`] : []),
  ];
}

/**
 * Does nothing when all endpoints that would be asked for the config serve it.
 * @throws {TwinrouteError} `unavailable`
 */
export function checkReady(answer: ReadinessAnswer): void {
  const missing = whatIsMissing(answer);
  if (missing.length === 0) return;
  throw new TwinrouteError(
    'unavailable',
    `config ${answer.config}: expected origins that serve it, got: ${missing.join('; ')}. Start them with the pack first, or say --force`,
  );
}

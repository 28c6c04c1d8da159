// What one isolate knows about all of its endpoints. Isolates learn separately.

import { TwinrouteError } from '../errors.ts';
import { mayTakeOut } from './ejection.ts';
import { createMember, type FleetEndpoint, type Member } from './member.ts';

/** A fleet of endpoints. */
export interface Fleet {
  /** What is known about an endpoint, by its id. @throws {TwinrouteError} `internal` for an id of none */
  of(id: string): Member;
}

/**
 * A fleet of which nothing is known: every endpoint is up.
 * @param inFlightLimit attempts that one endpoint may have under way
 */
export function createFleet(endpoints: readonly FleetEndpoint[], inFlightLimit: number): Fleet {
  const members = new Map<string, Member>();
  const of = (id: string): Member => {
    const member = members.get(id);
    if (member !== undefined) return member;
    throw new TwinrouteError('internal', `fleet: expected one of ${[...members.keys()].join(', ')}, got ${id}`);
  };
  for (const endpoint of endpoints) {
    const mayLose = (nowMs: number): boolean => mayTakeOut(endpoint, endpoints, (id) => of(id).isOut(nowMs));
    members.set(endpoint.id, createMember(endpoint, inFlightLimit, mayLose));
  }
  return { of };
}

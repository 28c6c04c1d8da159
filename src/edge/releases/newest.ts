// The newest release there is, verified. KV has a notice of it, which says cheaply that nothing changed. Whatever else it says is held against the
// history: a release that the history does not know (the loser of two at once, another deployment's, an old one) is signed, but not ours to serve.

import { messageOf, TwinrouteError } from '../../core/errors.ts';
import { verifyRelease, type VerifiedRelease } from '../../formats/signing/release-signature.ts';
import { within } from '../within.ts';
import type { ReleaseStore } from './port.ts';

/** Longest wait for KV or the history: beyond it the last release serves on. */
const READ_MS = 2_000;

/** What was found. */
export interface Newest {
  /** Undefined when there is none, or none that can be believed. */
  readonly release: VerifiedRelease | undefined;
  /** What was wrong on the way. */
  readonly problems: readonly TwinrouteError[];
  /** Whether the history was heard. */
  readonly heard: boolean;
}

/**
 * Reads anew. Never throws.
 * @param last the release that was found before: nothing older, and no other of its version, takes its place
 * @param ask asks the history even if KV says that nothing changed: whoever writes there could hold it still
 */
export async function findNewest(store: ReleaseStore, last: VerifiedRelease | undefined, ask: boolean): Promise<Newest> {
  const problems: TwinrouteError[] = [];
  const attempt = async <T>(read: () => Promise<T>): Promise<{ readonly value: T } | undefined> => {
    try {
      return { value: await within(read(), READ_MS, late) };
    } catch (cause) {
      problems.push(cause instanceof TwinrouteError ? cause : unreachable(cause));
      return undefined;
    }
  };
  const notice = await attempt(async () => {
    const text = await store.readNotice();
    return text === undefined ? undefined : verifyRelease(store.keys, parseJson(text), 'notice of a release');
  });
  if (!ask && last !== undefined && notice?.value?.sha256 === last.sha256) return { release: last, problems, heard: false };
  const head = await attempt(async () => {
    const stored = await store.history().head();
    return stored && verifyRelease(store.keys, stored.signed, `release ${stored.version}`);
  });
  // Only while the history cannot be reached is the notice believed alone.
  const release = (head ?? notice)?.value;
  const heard = head !== undefined;
  if (last === undefined || release?.sha256 === last.sha256) return { release, problems, heard };
  if (release !== undefined && release.release.version > last.release.version) return { release, problems, heard };
  // KV may well lag behind; a history that does is not the one that this isolate knew.
  if (heard)
    problems.push(
      new TwinrouteError(
        'integrity',
        `releases: expected version ${last.release.version} or newer, got ${release?.release.version ?? 'none'}`,
      ),
    );
  return { release: last, problems, heard };
}

/** What is no JSON is no release either: verifying says so. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function late(): TwinrouteError {
  return new TwinrouteError('timeout', `releases: expected to read them within ${READ_MS} ms, got nothing`);
}

function unreachable(cause: unknown): TwinrouteError {
  return new TwinrouteError('unavailable', `releases: expected to read them, got ${messageOf(cause)}`, { cause });
}

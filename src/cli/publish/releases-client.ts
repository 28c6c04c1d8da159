// The part of an edge's admin API that publishes, as the command line uses it.

import * as z from 'zod/mini';
import type { ConfigEntry } from '../../contract/edge-bundle.ts';
import { ErrorBody } from '../../contract/http.ts';
import { parseWith } from '../../contract/parse.ts';
import { ReadinessAnswer, ReleasedAnswer, ReleasesAnswer, SignedRelease } from '../../contract/release.ts';
import { ERROR_CODES, messageOf, TwinrouteError, type ErrorCode } from '../../core/errors.ts';
import { requiredOption, textOption } from '../options.ts';
import type { Io, Values } from '../verb.ts';

/** Longest wait for an answer: a router of 32 MB goes up in that time at 5 Mbit/s. */
const ANSWER_MS = 60_000;

/** Options of every verb that speaks to an edge. */
export const EDGE_OPTIONS = {
  edge: { type: 'string', help: "the edge's address; $TWINROUTE_EDGE" },
} as const;

/** What a verb asks an edge. */
export interface ReleasesClient {
  list(): Promise<ReleasesAnswer>;
  get(version: number): Promise<SignedRelease>;
  /** @throws {TwinrouteError} `conflict` when somebody else published meanwhile */
  commit(release: SignedRelease): Promise<void>;
  /** Whether origins serve a config whose edge.json is uploaded or deployed. */
  readiness(entry: ConfigEntry): Promise<ReadinessAnswer>;
  /** Uploads a blob that is not there yet; whether it was sent. */
  upload(sha256: string, bytes: Uint8Array): Promise<boolean>;
}

/**
 * The edge of `--edge` or the environment. The root secret comes from the environment alone: command lines are seen by everybody on a machine.
 * @throws {TwinrouteError} `usage` without an address or a secret, and for an address on which the secret would travel in the open
 */
export function openReleases(values: Values, env: Io['env']): ReleasesClient {
  const address = textOption(values, 'edge') ?? env['TWINROUTE_EDGE'];
  const edge = addressOf(address ?? requiredOption(values, 'edge'));
  const secret = env['TWINROUTE_ADMIN_SECRET'];
  if (secret === undefined || secret === '')
    throw new TwinrouteError('usage', "expected the edge's root secret in $TWINROUTE_ADMIN_SECRET, got nothing");

  async function ask<T extends z.core.$ZodType>(schema: T, path: string, init: RequestInit = {}): Promise<z.core.output<T>> {
    const response = await send(`${edge}/admin/v1/${path}`, {
      ...init,
      headers: { authorization: `Bearer ${secret}`, ...(init.body !== undefined && { 'content-type': contentType(init.body) }) },
      redirect: 'error',
      signal: AbortSignal.timeout(ANSWER_MS),
    });
    const answer: unknown = await response.json().catch(() => undefined);
    if (response.ok) return parseWith(schema, answer, 'edge', 'upstream');
    throw refusal(response.status, answer);
  }

  return {
    list: () => ask(ReleasesAnswer, 'releases'),
    get: (version) => ask(SignedRelease, `releases/${version}`),
    commit: async (release) => void (await ask(ReleasedAnswer, 'releases', { method: 'POST', body: JSON.stringify(release) })),
    readiness: ({ config, sha256 }) => ask(ReadinessAnswer, `readiness/${config}/${sha256}`),
    async upload(sha256, bytes) {
      const there = await ask(z.unknown(), `blobs/${sha256}`).then(
        () => true,
        (error: unknown) => {
          if (error instanceof TwinrouteError && error.code === 'not_found') return false;
          throw error;
        },
      );
      if (!there) await ask(z.unknown(), `blobs/${sha256}`, { method: 'PUT', body: new Uint8Array(bytes) });
      return !there;
    },
  };
}

async function send(url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, init);
  } catch (cause) {
    throw new TwinrouteError('upstream', `edge: expected an answer of ${new URL(url).origin}, got none: ${messageOf(cause)}`, { cause });
  }
}

function contentType(body: RequestInit['body']): string {
  return typeof body === 'string' ? 'application/json' : 'application/octet-stream';
}

/** The edge's refusal, under its own code. */
function refusal(status: number, answer: unknown): TwinrouteError {
  const parsed = z.safeParse(ErrorBody, answer);
  if (!parsed.success) return new TwinrouteError('upstream', `edge: expected an answer, got status ${status}`);
  const { code, message, request_id: id } = parsed.data.error;
  return new TwinrouteError(isErrorCode(code) ? code : 'upstream', `edge: ${message} (request ${id})`);
}

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERROR_CODES, code);
}

function addressOf(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const local = url !== undefined && ['127.0.0.1', 'localhost', '[::1]'].includes(url.hostname);
  if (url?.protocol === 'https:' || (url?.protocol === 'http:' && local)) return text.replace(/\/+$/, '');
  throw new TwinrouteError('usage', `--edge: expected an https address, or an http one on this machine, got "${text.slice(0, 200)}"`, {
    param: 'edge',
  });
}

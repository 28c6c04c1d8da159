// What the edge needs to know of an engine to talk to an endpoint: what it can do, how it is asked, how its answers and refusals are read, and
// where it says whether it is ready. One file for each engine; registry.ts has them all.

import type { EdgeBundle } from '../../contract/edge-bundle.ts';
import type { ErrorCode } from '../../core/errors.ts';
import type { Tokenizer } from '../../formats/tokenizer.ts';
import type { SigningContext } from '../../formats/signing/request-signature.ts';
import type { OriginAnswer, OriginRequest } from '../oip.ts';
import type { GivenReceipt } from '../origin-client.ts';

/** What is to be answered, before it is known where. */
export interface Wish {
  readonly bundle: EdgeBundle;
  readonly row: Omit<OriginRequest, 'merge'>;
  readonly originRoutes: boolean;
  /** The merge as it would be asked for at the endpoint; nothing where the engine is to route. */
  readonly merge: OriginRequest['merge'];
}

/** One row for one endpoint. */
export interface Asked {
  readonly bundle: EdgeBundle;
  readonly row: OriginRequest;
  /** The config's tokenizer; undefined where its assets have none. */
  readonly tokenizer: (() => Promise<Tokenizer>) | undefined;
  /** Undefined where origins trust the network. */
  readonly signing: SigningContext | undefined;
  /** How long the endpoint has, in whole milliseconds. */
  readonly budgetMs: number;
  /** Headers of the trace. */
  readonly trace: Readonly<Record<string, string>>;
}

/** A response of status 200. */
export interface EngineResponse {
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: Uint8Array;
}

/** An answer, and the receipt where the engine signs. */
export interface Answered {
  readonly answer: OriginAnswer;
  readonly receipt?: GivenReceipt;
}

/** A POST that asks, and what reads its answer. */
export interface EngineCall {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array<ArrayBuffer>;
  /** @throws {TwinrouteError} `upstream` for what is no answer to this question */
  read(response: EngineResponse): Answered | Promise<Answered>;
}

/** What a status says: for the caller, for a retry elsewhere, for the endpoint's health. */
export interface Verdict {
  readonly code: ErrorCode;
  readonly retry: boolean;
  readonly health: 'up' | 'doubtful' | 'down';
}

/** An engine at an endpoint. */
export interface Engine {
  /** Experts that it mixes at most. */
  readonly mostExperts: number;
  /** Whether it may be left to route. */
  readonly routes: boolean;
  /** Whether its answers come with receipts, and its books are to be compared with ours. */
  readonly signs: boolean;
  /** What it would have to be able to do to answer; undefined when it can. */
  cannot(wish: Wish): string | undefined;
  /** @throws {TwinrouteError} for an input that cannot be asked; `integrity` or `unavailable` where a file is missing */
  call(asked: Asked): Promise<EngineCall>;
  /** Statuses that mean something else here than in origin-client.ts. */
  readonly verdicts?: Readonly<Partial<Record<number, Verdict>>>;
  /** Where a GET says by status 200 that requests are taken. */
  readonly readyUrl: string;
  /** What the body has to say beside the status. */
  isReady?(body: unknown): boolean;
  /** Where a GET says by status 200 that the config is served, where there is such a place. */
  configUrl?(bundle: Pick<EdgeBundle, 'name' | 'config'>): string;
}

/** A path at an endpoint, whatever its URL ends with. */
export function urlAt({ url }: { readonly url: string }, path: string): string {
  return url.replace(/\/+$/, '') + path;
}

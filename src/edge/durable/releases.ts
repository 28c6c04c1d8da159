// The Durable Object with the history of releases, one for the deployment. It decides which release follows which, one at a time, so of two publishers
// at once one is told to look again; and it tells Workers KV of the newest until that has taken it.

import { DurableObject } from 'cloudflare:workers';
import { RELEASE_KEY, type SignedRelease } from '../../contract/release.ts';
import type { EdgeEnv } from '../env.ts';
import { migrate } from './migrate.ts';

const MIGRATIONS = [
  'CREATE TABLE releases (version INTEGER PRIMARY KEY, sha256 TEXT NOT NULL, kid TEXT NOT NULL, payload TEXT NOT NULL, signature TEXT NOT NULL, received_ms INTEGER NOT NULL)',
] as const;
/** When KV is told again, after it could not be. It takes one write a second for a key. */
const RETRY_MS = 5_000;

/** A release as it is kept. */
export interface StoredRelease {
  readonly version: number;
  /** Of the payload. */
  readonly sha256: string;
  readonly signed: SignedRelease;
  readonly receivedMs: number;
}

/** What became of a release: another was there first, or it is the newest now. */
export type Committed = { readonly kind: 'committed' } | { readonly kind: 'conflict'; readonly head: number };

type Row = Record<'sha256' | 'kid' | 'payload' | 'signature', string> & Record<'version' | 'received_ms', number>;

/** All releases of the deployment. */
export class Releases extends DurableObject<EdgeEnv> {
  constructor(state: DurableObjectState, env: EdgeEnv) {
    super(state, env);
    migrate(state.storage, MIGRATIONS);
  }

  /** The newest release. */
  head(): StoredRelease | undefined {
    return this.list(1)[0];
  }

  /** One release. */
  get(version: number): StoredRelease | undefined {
    return this.#read('WHERE version = ?', version)[0];
  }

  /** The newest ones, newest first. */
  list(limit: number): readonly StoredRelease[] {
    return this.#read('ORDER BY version DESC LIMIT ?', limit);
  }

  /**
   * Makes a release, whose signature the caller has verified, the newest one; making it so again changes nothing.
   * @param previous hash of the release that it says it follows; undefined for the first
   */
  async commit(release: Omit<StoredRelease, 'receivedMs'>, previous: string | undefined): Promise<Committed> {
    const { version, sha256, signed } = release;
    const head = this.head();
    if (head?.sha256 !== sha256) {
      if (version !== (head?.version ?? 0) + 1 || previous !== head?.sha256) return { kind: 'conflict', head: head?.version ?? 0 };
      const { kid, payload, signature } = signed;
      this.ctx.storage.transactionSync(() => {
        this.ctx.storage.sql.exec('INSERT INTO releases VALUES (?, ?, ?, ?, ?, ?)', version, sha256, kid, payload, signature, Date.now());
        this.ctx.storage.kv.put('untold', true);
      });
      // Should this object end before KV was told, the alarm tells it.
      await this.ctx.storage.setAlarm(Date.now() + RETRY_MS);
      await this.#tell();
    }
    return { kind: 'committed' };
  }

  override async alarm(): Promise<void> {
    await this.#tell();
  }

  /** Writes the newest release to KV; tried again later when that fails. Never throws: the release is made. */
  async #tell(): Promise<void> {
    if (this.env.CONFIG === undefined) return;
    while (this.ctx.storage.kv.get('untold') === true) {
      const head = this.head();
      try {
        await this.env.CONFIG.put(RELEASE_KEY, JSON.stringify(head?.signed));
      } catch {
        await this.ctx.storage.setAlarm(Date.now() + RETRY_MS);
        return;
      }
      // Had another one come meanwhile, its own write may have been overtaken by this one.
      this.ctx.storage.kv.put('untold', this.head()?.version !== head?.version);
    }
  }

  #read(where: string, value: number): readonly StoredRelease[] {
    return this.ctx.storage.sql
      .exec<Row>(`SELECT version, sha256, kid, payload, signature, received_ms FROM releases ${where}`, value)
      .toArray()
      .map(({ version, sha256, kid, payload, signature, received_ms: receivedMs }) => ({
        version,
        sha256,
        signed: { kid, payload, signature },
        receivedMs,
      }));
  }
}

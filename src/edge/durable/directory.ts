// The Durable Object that knows which accounts exist. One for the deployment; only the admin API asks it, never a caller's request.

import { DurableObject } from 'cloudflare:workers';
import { migrate } from './migrate.ts';

/** One account. */
export interface DirectoryEntry {
  readonly id: string;
  readonly name: string;
  /** Milliseconds since 1970. */
  readonly createdMs: number;
}

const MIGRATIONS = ['CREATE TABLE accounts (id TEXT PRIMARY KEY, name TEXT NOT NULL, created_ms INTEGER NOT NULL) WITHOUT ROWID'] as const;

/** Accounts by id. */
export class Directory extends DurableObject {
  constructor(state: DurableObjectState, env: Cloudflare.Env) {
    super(state, env);
    migrate(state.storage, MIGRATIONS);
  }

  /** Adds an account; adding it again changes nothing. */
  add({ id, name, createdMs }: DirectoryEntry): void {
    this.ctx.storage.sql.exec('INSERT OR IGNORE INTO accounts (id, name, created_ms) VALUES (?, ?, ?)', id, name, createdMs);
  }

  /**
   * Accounts in the order of their ids.
   * @param after the id to go on from; '' for the first page
   */
  list(after: string, limit: number): readonly DirectoryEntry[] {
    return this.ctx.storage.sql
      .exec<{ id: string; name: string; createdMs: number }>(
        'SELECT id, name, created_ms AS createdMs FROM accounts WHERE id > ? ORDER BY id LIMIT ?',
        after,
        limit,
      )
      .toArray();
  }
}

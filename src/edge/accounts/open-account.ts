// A new account, in the directory and by itself.

import type { AccountRecord } from '../../contract/accounts.ts';
import type { Accounts } from './port.ts';

/** Makes the account; once more changes nothing. */
export async function openAccount({ accounts, directory }: Pick<Accounts, 'accounts' | 'directory'>, record: AccountRecord): Promise<void> {
  // An account that is not in the directory could hold money that no export finds; the other way round is an empty line.
  await directory.getByName('all').add({ id: record.id, name: record.name, createdMs: record.created_ms });
  await accounts.getByName(record.id).create(record);
}

// Payers without an account get one when the first of their payments is booked.

import type { PayerIdentity } from '../x402/port.ts';
import type { Accounts, BookedPayment } from './port.ts';

/** Books the payment, once however often it is called. */
export async function bookPayment(
  { accounts, directory }: Pick<Accounts, 'accounts' | 'directory'>,
  { account, network, address }: PayerIdentity,
  payment: BookedPayment,
): Promise<void> {
  const stub = accounts.getByName(account);
  if (await stub.book(payment)) return;
  const record = { id: account, name: `x402 ${network} ${address}`, created_ms: Date.now() };
  // An account that is not in the directory could hold money that no export finds; the other way round is an empty line.
  await directory.getByName('all').add({ id: account, name: record.name, createdMs: record.created_ms });
  await stub.create(record);
  await stub.book(payment);
}

// Payers without an account get one when the first of their payments is booked.

import type { PayerIdentity } from '../x402/port.ts';
import { openAccount } from './open-account.ts';
import type { Accounts, BookedPayment } from './port.ts';

/** Books the payment, once however often it is called. */
export async function bookPayment(
  accounts: Pick<Accounts, 'accounts' | 'directory'>,
  { account, network, address }: PayerIdentity,
  payment: BookedPayment,
): Promise<void> {
  const stub = accounts.accounts.getByName(account);
  if (await stub.book(payment)) return;
  await openAccount(accounts, { id: account, name: `x402 ${network} ${address}`, created_ms: Date.now() });
  await stub.book(payment);
}

// The queue's other end: usage goes to the account's log, late charges to its ledger. Both can be handled any number of times.

import type { UsageMessage } from '../durable/usage-messages.ts';
import type { EdgeEnv } from '../env.ts';
import { logFailure } from '../observe/log-failure.ts';

/** Handles a batch, each message on its own: those that failed come again. */
export async function consumeUsage(batch: MessageBatch<UsageMessage>, env: EdgeEnv): Promise<void> {
  const work = batch.messages.map(async (message) => {
    try {
      await consume(message.body, env);
      message.ack();
    } catch (cause) {
      logFailure('queue: expected a message to be taken', message.body.account, cause);
      message.retry();
    }
  });
  await Promise.all(work);
}

async function consume(message: UsageMessage, { ACCOUNTS, USAGE_LOGS }: EdgeEnv): Promise<void> {
  if (ACCOUNTS === undefined || USAGE_LOGS === undefined) throw new Error('expected ACCOUNTS and USAGE_LOGS');
  if (message.kind === 'usage') await USAGE_LOGS.getByName(message.account).add(message.events);
  else {
    const { settled } = await ACCOUNTS.getByName(message.account).settle(message.seq, message.micros, message.usage, undefined);
    if (!settled) logFailure(`ledger: expected entry ${message.seq} to be open`, message.account);
  }
}

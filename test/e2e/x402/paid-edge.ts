// An edge in workerd that sells requests by x402, with a facilitator on loopback, an origin that can be told to fail, and buyers with keys of their own.

import { UptoEvmScheme } from '@x402/evm/upto/client';
import { ExactEvmScheme } from '@x402/evm';
import { wrapFetchWithPayment, x402Client, x402HTTPClient } from '@x402/fetch';
import type { PaymentPayload, PaymentRequired } from '@x402/core/types';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import type { RunningEdge } from '../../../src/cli/dev/start-edge.ts';
import { FACILITATOR, startFacilitator, type TestFacilitator } from '../../helpers/facilitator.ts';
import { startTinyDeployment } from '../../helpers/tiny-deployment.ts';

export const ROOT = 'a root secret for this test, long enough';
export const PRICES = { answer: { request: 100, per_1000_tokens: 1000 }, route: 7 };
export const NETWORK = 'eip155:84532';
/** A dollar coin of six decimals that clients know. */
export const USDC = '0x036CbD53842c5426634e7929541eC2318f3dCF7e';
export const PAY_TO = '0x2222222222222222222222222222222222222222';
export const TOKEN = 'a token that the facilitator wants';

/** The variable X402 of these tests. */
export const X402 = {
  pay_to: PAY_TO,
  schemes: ['exact', 'upto'],
  assets: [{ network: NETWORK, address: USDC, name: 'USDC', version: '2', atomic_per_unit: '1000000', facilitator_address: FACILITATOR }],
  verify_ms: 3_000,
  settle_ms: 1_500,
  retry_ms: 200,
};

/** All that these tests run against. */
export interface PaidEdge {
  readonly facilitator: TestFacilitator;
  /** Requests that reached the origin. */
  readonly origin: { calls: number; down: boolean };
  url(): string;
  /** Ends workerd as a crash would, and starts it over the same state. */
  restart(variables?: Readonly<Record<string, string>>): Promise<void>;
  close(): Promise<void>;
}

/** Starts everything. */
export async function startPaidEdge(): Promise<PaidEdge> {
  const seen = { calls: 0, down: false };
  const deployment = await startTinyDeployment(async (_, response, passOn) => {
    seen.calls += 1;
    if (seen.down) response.writeHead(500).end();
    else await passOn();
  });
  const facilitator = await startFacilitator();
  const start = (variables: Readonly<Record<string, string>>): Promise<RunningEdge> =>
    deployment.startEdge(
      {
        ADMIN_SECRET: ROOT,
        PRICES: JSON.stringify(PRICES),
        X402: JSON.stringify({ ...X402, facilitator: facilitator.url }),
        X402_TOKEN: TOKEN,
        LOG_LEVEL: 'error',
        UPSTREAM: JSON.stringify({ request_ms: 4_000, attempt_ms: 3_000 }),
        ...variables,
      },
      'kept',
    );
  let edge = await start({});
  return {
    facilitator,
    origin: seen,
    url: () => edge.url,
    async restart(variables = {}) {
      await edge.close();
      edge = await start(variables);
    },
    async close() {
      await edge.close();
      await facilitator.close();
      await deployment.close();
    },
  };
}

/** A buyer with the public client library and a random key. */
export function createBuyer(edge: PaidEdge, scheme: 'exact' | 'upto' = 'exact') {
  const account = privateKeyToAccount(generatePrivateKey());
  const client = new x402Client().register(NETWORK, scheme === 'exact' ? new ExactEvmScheme(account) : new UptoEvmScheme(account));
  const http = new x402HTTPClient(client);
  const post = (body: object, headers: Readonly<Record<string, string>> = {}, path = '/v1/predict'): Promise<Response> =>
    fetch(edge.url() + path, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) });
  /** What is asked for a request. */
  const quote = async (body: object, path?: string): Promise<PaymentRequired> => {
    const response = await post(body, {}, path);
    return http.getPaymentRequiredResponse((name) => response.headers.get(name), await response.json());
  };
  const encode = (payload: PaymentPayload): string => http.encodePaymentSignatureHeader(payload)['PAYMENT-SIGNATURE'];
  return {
    address: account.address,
    client,
    /** The library's own fetch. */
    fetch: wrapFetchWithPayment(fetch, client),
    post,
    quote,
    encode,
    /** A payment for a request, as a header. */
    async sign(body: object, change: (payload: PaymentPayload) => PaymentPayload = (payload) => payload): Promise<string> {
      return encode(change(await client.createPaymentPayload(await quote(body))));
    },
    pay: (body: object, signature: string): Promise<Response> => post(body, { 'payment-signature': signature }),
  };
}

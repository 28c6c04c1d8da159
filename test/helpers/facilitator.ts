// A facilitator on loopback with a chain of its own: it checks EIP-712 signatures, keeps nonces and balances, and misbehaves as told.

import type { ServerResponse } from 'node:http';
import type { PaymentPayload, PaymentRequirements, SettleResponse, VerifyResponse } from '@x402/core/types';
import { authorizationTypes, PERMIT2_ADDRESS, uptoPermit2WitnessTypes, x402UptoPermit2ProxyAddress } from '@x402/evm';
import { getAddress, verifyTypedData, type Hex, type VerifyTypedDataParameters } from 'viem';
import * as z from 'zod/mini';
import { listen } from './listen.ts';

/** The facilitator's own address. */
export const FACILITATOR = '0x1111111111111111111111111111111111111111';

/** What it does with a call. The first four of `settle` make the payment. */
export type Fault =
  | 'none'
  /** Pays, and never answers. */
  | 'late'
  /** Pays, and answers what is no answer. */
  | 'garbled'
  /** Pays, and says that it did not, as one that lost sight of its transfer. */
  | 'lost'
  /** Pays, and cuts the connection. */
  | 'cut'
  /** Never answers, nor pays. */
  | 'hang'
  | 'garbage'
  | 'error'
  | 'refuse'
  /** Says that it paid, on another network. */
  | 'elsewhere';

/** Faults after which a payment is made. */
export const PAYING: readonly Fault[] = ['none', 'late', 'garbled', 'lost', 'cut'];

/** One transfer on its chain. */
export interface Transfer {
  readonly nonce: string;
  readonly from: string;
  readonly to: string;
  readonly amount: bigint;
  readonly transaction: string;
}

interface Call {
  readonly path: 'verify' | 'settle';
  /** The signature's nonce. */
  readonly nonce: string;
  readonly authorization: string | undefined;
}

/** A running facilitator. */
export interface TestFacilitator {
  readonly url: string;
  readonly calls: Call[];
  readonly transfers: Transfer[];
  /** Whether it answers a payment that was made with the same success again, or says that the nonce was used. */
  idempotent: boolean;
  /** What it does with a call. */
  script: (path: 'verify' | 'settle', nonce: string) => Fault;
  close(): Promise<void>;
}

const Exact = z.object({
  signature: z.string(),
  authorization: z.object({
    from: z.string(),
    to: z.string(),
    value: z.string(),
    validAfter: z.string(),
    validBefore: z.string(),
    nonce: z.string(),
  }),
});
const Upto = z.object({
  signature: z.string(),
  permit2Authorization: z.object({
    from: z.string(),
    permitted: z.object({ token: z.string(), amount: z.string() }),
    nonce: z.string(),
    deadline: z.string(),
    witness: z.object({ to: z.string(), facilitator: z.string(), validAfter: z.string() }),
  }),
});
const Request = z.object({
  x402Version: z.literal(2),
  paymentPayload: z.looseObject({ payload: z.record(z.string(), z.unknown()) }),
  paymentRequirements: z.object({
    scheme: z.enum(['exact', 'upto']),
    network: z.templateLiteral(['eip155:', z.string()]),
    asset: z.string(),
    amount: z.string(),
    payTo: z.string(),
    maxTimeoutSeconds: z.number(),
    extra: z.record(z.string(), z.unknown()),
  }),
});

/** What a signature allows, and whether it is one. */
interface Signed {
  readonly from: string;
  readonly to: string;
  readonly amount: bigint;
  readonly nonce: string;
  readonly until: number;
  readonly genuine: boolean;
}

async function readExact(payload: PaymentPayload['payload'], { network, asset, extra }: PaymentRequirements): Promise<Signed> {
  const { signature, authorization } = z.parse(Exact, payload);
  const { from, to, value, validAfter, validBefore, nonce } = authorization;
  const genuine = await isGenuine({
    address: getAddress(from),
    domain: {
      name: String(extra['name']),
      version: String(extra['version']),
      chainId: Number(network.slice(7)),
      verifyingContract: getAddress(asset),
    },
    types: authorizationTypes,
    primaryType: 'TransferWithAuthorization',
    message: {
      from: getAddress(from),
      to: getAddress(to),
      value: BigInt(value),
      validAfter: BigInt(validAfter),
      validBefore: BigInt(validBefore),
      nonce: hex(nonce),
    },
    signature: hex(signature),
  });
  return { from, to, amount: BigInt(value), nonce, until: Number(validBefore), genuine };
}

async function readUpto(payload: PaymentPayload['payload'], { network }: PaymentRequirements): Promise<Signed> {
  const { signature, permit2Authorization } = z.parse(Upto, payload);
  const { from, permitted, nonce, deadline, witness } = permit2Authorization;
  const genuine = await isGenuine({
    address: getAddress(from),
    domain: { name: 'Permit2', chainId: Number(network.slice(7)), verifyingContract: PERMIT2_ADDRESS },
    types: uptoPermit2WitnessTypes,
    primaryType: 'PermitWitnessTransferFrom',
    message: {
      permitted: { token: getAddress(permitted.token), amount: BigInt(permitted.amount) },
      spender: x402UptoPermit2ProxyAddress,
      nonce: BigInt(nonce),
      deadline: BigInt(deadline),
      witness: { to: getAddress(witness.to), facilitator: getAddress(witness.facilitator), validAfter: BigInt(witness.validAfter) },
    },
    signature: hex(signature),
  });
  const bound = witness.facilitator.toLowerCase() === FACILITATOR;
  return { from, to: witness.to, amount: BigInt(permitted.amount), nonce, until: Number(deadline), genuine: genuine && bound };
}

/** Starts one on a free port. */
export async function startFacilitator(): Promise<TestFacilitator> {
  const calls: Call[] = [];
  const transfers: Transfer[] = [];
  const waiting = new Set<ServerResponse>();

  /** Why a payment would be refused, or undefined. */
  const fault = (signed: Signed, wanted: PaymentRequirements, settling: boolean): string | undefined => {
    const partial = settling && wanted.scheme === 'upto';
    if (!signed.genuine) return 'invalid_signature';
    if (signed.to.toLowerCase() !== wanted.payTo.toLowerCase()) return 'invalid_recipient';
    if (partial ? BigInt(wanted.amount) > signed.amount : BigInt(wanted.amount) !== signed.amount) return 'invalid_amount';
    if (signed.until <= Date.now() / 1000) return 'invalid_expired';
    if (transfers.some(({ nonce }) => nonce === signed.nonce)) return 'invalid_exact_evm_nonce_already_used';
    return undefined;
  };
  const pay = ({ from, to, nonce }: Signed, { amount }: PaymentRequirements): Transfer => {
    const transaction = amount === '0' ? '' : `0x${(transfers.length + 1).toString(16).padStart(64, '0')}`;
    const transfer = { nonce, from, to, amount: BigInt(amount), transaction };
    transfers.push(transfer);
    return transfer;
  };

  const facilitator: Omit<TestFacilitator, 'url' | 'close'> = { calls, transfers, idempotent: true, script: () => 'none' };
  const server = await listen((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      void answer(request.url ?? '', request.headers.authorization, Buffer.concat(chunks).toString(), response);
    });
  });

  async function answer(url: string, authorization: string | undefined, text: string, response: ServerResponse): Promise<void> {
    const path = url.endsWith('/settle') ? 'settle' : 'verify';
    const { paymentPayload, paymentRequirements: wanted } = z.parse(Request, JSON.parse(text));
    const signed = await (wanted.scheme === 'upto' ? readUpto : readExact)(paymentPayload.payload, wanted);
    calls.push({ path, nonce: signed.nonce, authorization });
    const told = facilitator.script(path, signed.nonce);
    const why = told === 'refuse' ? 'insufficient_funds' : fault(signed, wanted, path === 'settle');
    const reply = (body: VerifyResponse | SettleResponse): void => {
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    };
    const { network } = wanted;
    const payer = signed.from;
    if (path === 'verify') {
      if (!misbehave(told, response)) reply({ isValid: why === undefined, payer, ...(why !== undefined && { invalidReason: why }) });
      return;
    }
    const made = transfers.find(({ nonce }) => nonce === signed.nonce);
    const again = made !== undefined && facilitator.idempotent && told !== 'refuse';
    const transfer = again ? made : why === undefined && PAYING.includes(told) ? pay(signed, wanted) : undefined;
    if (misbehave(told, response)) return;
    if (told === 'lost') reply({ success: false, errorReason: 'transaction_failed: timed out', transaction: '', network, payer });
    else if (told === 'elsewhere') reply({ success: true, transaction: '0x01', network: 'eip155:1', payer });
    else if (transfer === undefined) reply({ success: false, errorReason: why ?? 'unexpected', transaction: '', network, payer });
    else reply({ success: true, transaction: transfer.transaction, network, payer, amount: String(transfer.amount) });
  }

  /** Answers as no facilitator should; false where it is to answer well. */
  function misbehave(told: Fault, response: ServerResponse): boolean {
    if (told === 'late' || told === 'hang') waiting.add(response);
    else if (told === 'garbled' || told === 'garbage') response.writeHead(200).end('<html>');
    else if (told === 'error') response.writeHead(500).end('{"error": "no"}');
    else if (told === 'cut') response.destroy();
    else return false;
    return true;
  }

  return Object.assign(facilitator, {
    url: `${server.url}/facilitator`,
    async close() {
      for (const response of waiting) response.destroy();
      await server.close();
    },
  });
}

/** Whether the address signed that; a signature that is no point on the curve throws in the library. */
async function isGenuine(signed: VerifyTypedDataParameters): Promise<boolean> {
  try {
    return await verifyTypedData(signed);
  } catch {
    return false;
  }
}

function hex(text: string): Hex {
  return z.parse(z.templateLiteral(['0x', z.string()]), text);
}

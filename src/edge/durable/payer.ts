// The Durable Object of one payer without an account: an address on a network. Each of its payments is taken for one request at a time, is settled
// by one call at a time, and its answer is kept here until it is known to be paid. Alarms go on asking where a facilitator gave no clear answer,
// and book what was paid in an account of the payer's own, so that usage is exported and reconciled like any other.

import { DurableObject } from 'cloudflare:workers';
import { TwinrouteError } from '../../core/errors.ts';
import { movePayment, paymentDueMs, reservedPayment, type PaymentCommand } from '../../core/payment/payment.ts';
import { bindAccounts } from '../accounts/bind-accounts.ts';
import { bookPayment } from '../accounts/book-payment.ts';
import type { EdgeEnv } from '../env.ts';
import { bindFacilitator, type BoundFacilitator } from '../x402/bind-x402.ts';
import { shortReason, type Verification } from '../x402/facilitator.ts';
import type { PayerCalls, PayerIdentity, PaymentProof, PaymentStanding, Reservation, ServedAnswer } from '../x402/port.ts';
import { createAnswerStore } from './answer-table.ts';
import { migrate } from './migrate.ts';
import { logFailure } from '../observe/log-failure.ts';
import { createPaymentStore, PAYMENT_TABLES, type PaymentRow, type PaymentStore } from './payment-table.ts';

/** Payments that an alarm looks at, one after another. */
const BATCH = 20;
/** When what cannot be done now is tried again, in milliseconds. */
const LATER_MS = 30_000;
/** Payments that are remembered for not being good. */
const REFUSED = 1_000;
/** When to look again while the deployment has no facilitator, in milliseconds. */
const ABSENT_MS = 3_600_000;

/** A payment that is known, or whether it may be taken. */
type Found = PaymentRow | 'new' | 'conflict';

/** What a payer has in storage; absent until a good payment came. */
interface Open {
  readonly payer: PayerIdentity;
  readonly payments: PaymentStore;
  readonly answers: ReturnType<typeof createAnswerStore>;
}

/** A payer. */
export class Payer extends DurableObject<EdgeEnv> implements PayerCalls {
  #open: Open | undefined;
  #alarmMs = Infinity;
  readonly #bound: BoundFacilitator | undefined;
  /** Payments that were found not to be good, newest last. In memory: they are strangers' claims, and nothing is written for them. */
  readonly #refused = new Map<string, Verification>();
  readonly #verifying = new Map<string, Promise<Verification>>();
  readonly #settling = new Map<string, Promise<PaymentStanding>>();

  constructor(state: DurableObjectState, env: EdgeEnv) {
    super(state, env);
    this.#bound = bindFacilitator(env);
    // Nothing is written for addresses that a stranger made up.
    const payer = state.storage.kv.get<PayerIdentity>('payer');
    if (payer === undefined) return;
    this.#open = this.#load(payer);
    // The alarm that was set is not known here, and must not be put off.
    if (this.#bound !== undefined) this.#tick(this.#open.payments.nextDueMs());
  }

  /** Where the payment stands. One whose settlement is not known is asked about once more. */
  async find(proof: PaymentProof): Promise<PaymentStanding> {
    return this.#tell(this.#look(proof));
  }

  /** Has the payment verified, once for all who come with it at the same time, and takes it for the first of them. */
  async reserve(reservation: Reservation): Promise<{ readonly kind: 'taken'; readonly turn: number } | PaymentStanding> {
    const found = this.#look(reservation);
    if (found !== 'new') return this.#tell(found);
    const verified = await this.#verify(reservation);
    if (verified.kind !== 'good') return verified;
    // Others may have been faster. Nothing comes between this look and the write: neither waits.
    const now = this.#look(reservation);
    return now === 'new' ? { kind: 'taken', turn: this.#take(reservation) } : this.#tell(now);
  }

  /** Keeps the answer, then has it paid. Called again, it tells the same. */
  async settle(nonce: string, { turn, answer, ...bill }: ServedAnswer): Promise<PaymentStanding> {
    const row = this.#open?.payments.byNonce(nonce);
    if (this.#open === undefined || row === undefined) return { kind: 'new' };
    const served = movePayment(row, { kind: 'serve', turn }, Date.now());
    // The reservation had ended: another request may hold the payment, and this answer is not paid.
    if (served === undefined) return row.turn === turn ? this.#tell(row) : { kind: 'new' };
    this.#open.answers.keep(row.seq, answer, Date.now());
    this.#write({ ...row, ...served, ...bill });
    return this.#settle(nonce);
  }

  /** Gives the payment back unused; nothing happens to one that was answered. */
  async release(nonce: string, turn: number): Promise<void> {
    this.#move(nonce, { kind: 'release', turn });
  }

  /** Looks at every payment that is due, and comes again while there are any. */
  override async alarm(): Promise<void> {
    this.#alarmMs = Infinity;
    if (this.#open === undefined) return;
    if (this.#bound === undefined) return this.#tick(Date.now() + ABSENT_MS);
    const { payments, answers } = this.#open;
    for (const row of payments.due(Date.now(), BATCH)) {
      if (row.state === 'reserved') this.#move(row.nonce, { kind: 'stale' });
      else if (row.state === 'settled') await this.#book(row);
      else await this.#settle(row.nonce);
    }
    const nowMs = Date.now();
    this.#tick(Math.max(nowMs + 1, Math.min(payments.nextDueMs(), answers.forget(nowMs))));
  }

  /**
   * Whether the payment is good. What was refused stays refused, so that whoever is told to pay anew can do so while an earlier try is under way.
   * Known by all that was sent: a forger may know a nonce, and decides nothing about what its owner sends.
   */
  async #verify({ payloadHash, payment, requirements, payer }: Reservation): Promise<Verification> {
    const known = this.#refused.get(payloadHash) ?? this.#verifying.get(payloadHash);
    if (known !== undefined) return known;
    const work = this.#facilitator().facilitator.verify({ payment, requirements, payer: payer.address });
    this.#verifying.set(payloadHash, work);
    const verified = await work.finally(() => this.#verifying.delete(payloadHash));
    if (verified.kind === 'failed') this.#log('expected the facilitator to verify a payment, got an error', verified.cause);
    if (verified.kind === 'refused') this.#refused.set(payloadHash, verified);
    for (const oldest of this.#refused.keys()) {
      if (this.#refused.size <= REFUSED) break;
      this.#refused.delete(oldest);
    }
    return verified;
  }

  #look({ nonce, identifier, payloadHash, requestHash }: PaymentProof): Found {
    const { payments } = this.#open ?? {};
    const row = payments?.byNonce(nonce);
    const named = identifier === undefined ? undefined : payments?.byIdentifier(identifier);
    if (named !== undefined && named.nonce !== nonce && holdsName(named)) return 'conflict';
    if (row === undefined || row.state === 'released') return 'new';
    return row.payloadHash === payloadHash && row.requestHash === requestHash ? row : 'conflict';
  }

  async #tell(found: Found): Promise<PaymentStanding> {
    if (typeof found === 'string') return { kind: found };
    return found.state === 'served' || found.state === 'unknown' ? this.#settle(found.nonce) : this.#standing(found);
  }

  #take({ payer, ...reservation }: Reservation): number {
    const { payments } = (this.#open ??= this.#create(payer));
    const { nonce, identifier } = reservation;
    const earlier = payments.byNonce(nonce);
    const nowMs = Date.now();
    const state = earlier === undefined ? reservedPayment(nowMs) : movePayment(earlier, { kind: 'reserve' }, nowMs);
    if (state === undefined) throw new TwinrouteError('internal', `payment: expected one that is free, got ${earlier?.state ?? 'none'}`);
    const named = identifier === undefined ? undefined : payments.byIdentifier(identifier);
    // What was not paid gives its name to the next payment.
    if (named !== undefined && named.nonce !== nonce) this.#write({ ...named, identifier: undefined });
    this.#write({ ...reservation, ...state, seq: earlier?.seq ?? payments.nextSeq() });
    return state.turn;
  }

  /** Has the payment made, by one call at a time. */
  #settle(nonce: string): Promise<PaymentStanding> {
    const underWay = this.#settling.get(nonce);
    if (underWay !== undefined) return underWay;
    const work = this.#ask(nonce).finally(() => this.#settling.delete(nonce));
    this.#settling.set(nonce, work);
    return work;
  }

  async #ask(nonce: string): Promise<PaymentStanding> {
    const { facilitator } = this.#facilitator();
    const row = this.#move(nonce, { kind: 'ask' });
    if (row?.amount === undefined) return { kind: 'new' };
    // The write above is on disk before the call leaves: storage holds back what goes out.
    const request = { payment: row.payment, requirements: { ...row.requirements, amount: row.amount } };
    const settlement = await facilitator.settle(request, row.attempts > 1);
    if (settlement.kind === 'unclear') {
      this.#log(`expected payment ${row.request} to be settled, got no clear answer (call ${row.attempts})`, settlement.cause);
      return this.#standing(row);
    }
    const kind = settlement.kind === 'paid' ? 'confirm' : 'refuse';
    const moved = this.#move(nonce, { kind }, { receipt: settlement.answer, ...(kind === 'confirm' && { booked: false }) });
    return this.#standing(moved ?? row);
  }

  /** Writes a paid request into the payer's account, where there are accounts. */
  async #book(row: PaymentRow): Promise<void> {
    const { payer } = this.#open ?? {};
    const { micros, usage, request, operation, seq } = row;
    if (payer === undefined || micros === undefined || usage === undefined) return;
    try {
      const accounts = bindAccounts(this.env);
      if (accounts !== undefined) await bookPayment(accounts, payer, { id: `x402.${seq}`, micros, usage, request, operation });
      this.#write({ ...row, booked: true });
    } catch (cause) {
      this.#log(`expected the account to take payment ${request}, got an error`, cause);
      this.#open?.payments.write(row, Date.now() + LATER_MS);
    }
  }

  #standing(row: PaymentRow): PaymentStanding {
    const { state, receipt, micros = 0, usage } = row;
    if (state === 'reserved') return { kind: 'reserved' };
    if (state === 'released') return { kind: 'new' };
    if (state === 'refused')
      return { kind: 'refused', reason: shortReason(receipt?.errorReason), ...(receipt !== undefined && { receipt }) };
    if (state !== 'settled' || receipt === undefined) return { kind: 'unknown', retryMs: this.#facilitator().times.retryMs };
    return { kind: 'settled', receipt, micros, tokens: usage?.tokens ?? 0, answer: this.#open?.answers.read(row.seq, Date.now()) };
  }

  /** The payment after a command, written with what became known by it; undefined when the command is refused. */
  #move(nonce: string, command: PaymentCommand, known: Partial<PaymentRow> = {}): PaymentRow | undefined {
    const row = this.#open?.payments.byNonce(nonce);
    const moved = row && movePayment(row, command, Date.now());
    if (row === undefined || moved === undefined) return undefined;
    const next = { ...row, ...moved, ...(moved !== row && known) };
    this.#write(next);
    return next;
  }

  #write(row: PaymentRow): void {
    const dueMs =
      row.booked === false ? Date.now() : paymentDueMs(row, { ...this.#facilitator().times, leaseMs: row.leaseMs }, row.untilMs);
    this.#open?.payments.write(row, dueMs);
    this.#tick(dueMs);
  }

  #facilitator(): BoundFacilitator {
    if (this.#bound !== undefined) return this.#bound;
    throw new TwinrouteError('unavailable', 'X402: expected the variable while payments are open, got none');
  }

  #create(payer: PayerIdentity): Open {
    this.ctx.storage.kv.put('payer', payer);
    return this.#load(payer);
  }

  #load(payer: PayerIdentity): Open {
    migrate(this.ctx.storage, PAYMENT_TABLES);
    return { payer, payments: createPaymentStore(this.ctx.storage), answers: createAnswerStore(this.ctx.storage) };
  }

  /** Wakes the object at a time unless it will wake earlier anyway. */
  #tick(atMs: number): void {
    if (atMs >= this.#alarmMs) return;
    this.#alarmMs = atMs;
    void this.ctx.storage.setAlarm(atMs);
  }

  #log(message: string, cause: unknown): void {
    logFailure(`payer: ${message}`, this.#open?.payer.account ?? '', cause);
  }
}

/** Whether the name that a payment was given is still its own. */
function holdsName({ state }: PaymentRow): boolean {
  return state !== 'released' && state !== 'refused';
}

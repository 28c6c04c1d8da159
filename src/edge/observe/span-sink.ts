// Events as spans of the traces that are recorded.

import type { Span } from '../../core/observe/span.ts';
import type { Sink } from './observer.ts';
import type { Trip } from './trip.ts';

/** A sink that makes spans. @param add takes them */
export function createSpanSink(add: (span: Span) => void): Sink {
  /** A span below the request's own. */
  const child = (trip: Trip | undefined, span: Omit<Span, 'traceId' | 'spanId' | 'parentSpanId'>, spanId?: string): void => {
    if (trip?.trace.sampled !== true) return;
    const { traceId, spanId: parentSpanId } = trip.trace;
    add({ traceId, spanId: spanId ?? trip.newSpanId(), parentSpanId, ...span });
  };
  return {
    request({ method, route, status, code, colo, startMs, ms }, trip) {
      if (trip?.trace.sampled !== true) return;
      const { trace, parentSpanId, facts, id } = trip;
      add({
        traceId: trace.traceId,
        spanId: trace.spanId,
        parentSpanId,
        name: `${method} ${route}`,
        kind: 'server',
        startMs,
        ms,
        failed: status >= 500,
        attributes: {
          'http.request.method': method,
          'http.route': route,
          'http.response.status_code': status,
          'error.type': code,
          'cloud.region': colo || undefined,
          'twinroute.request_id': id,
          'twinroute.config': facts.config || undefined,
          'twinroute.inputs': facts.inputs,
          'twinroute.tokens': facts.tokens,
          'twinroute.cached': facts.cached,
          'twinroute.experiment': facts.experiment || undefined,
          'twinroute.arm': facts.arm || undefined,
        },
      });
    },
    routed({ config, by, abstained, experts, startMs, ms }, trip) {
      child(trip, {
        name: 'route',
        kind: 'internal',
        startMs,
        ms,
        failed: false,
        attributes: {
          'twinroute.config': config,
          'twinroute.routed_by': by,
          'twinroute.abstained': abstained,
          'twinroute.mix.experts': experts,
        },
      });
    },
    attempt({ spanId, config, endpoint, url, purpose, outcome, code, startMs, ms }, trip) {
      child(
        trip,
        {
          name: `POST ${endpoint}`,
          kind: 'client',
          startMs,
          ms,
          failed: code !== undefined,
          attributes: {
            'http.request.method': 'POST',
            ...serverOf(url),
            'error.type': code,
            'twinroute.config': config,
            'twinroute.endpoint': endpoint,
            'twinroute.attempt.purpose': purpose,
            'twinroute.attempt.outcome': outcome,
          },
        },
        spanId,
      );
    },
    ledger({ step, outcome, micros, startMs, ms }, trip) {
      child(trip, {
        name: `ledger ${step}`,
        kind: 'client',
        startMs,
        ms,
        failed: outcome === 'failed',
        attributes: { 'twinroute.ledger.step': step, 'twinroute.ledger.outcome': outcome, 'twinroute.ledger.micros': micros },
      });
    },
  };
}

/** Host and port of an address. */
function serverOf(url: string): { readonly 'server.address': string; readonly 'server.port': number } {
  const { hostname, port, protocol } = new URL(url);
  return { 'server.address': hostname, 'server.port': port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port) };
}

// Bodies of OTLP on their way to a collector.

import type { SendOutcome } from '../../core/observe/span-exporter.ts';

/** Where they go. */
export interface OtlpTarget {
  /** The collector's address for traces. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly fetch: typeof fetch;
}

/** A function that sends a body and tells the status, or that there was none in time. Never rejects. */
export function createOtlpSender({ url, headers, timeoutMs, fetch }: OtlpTarget): (body: string) => Promise<SendOutcome> {
  return async (body) => {
    try {
      const response = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body,
        redirect: 'manual',
        signal: AbortSignal.timeout(timeoutMs),
      });
      await response.body?.cancel();
      return response.status;
    } catch {
      return 'failed';
    }
  };
}

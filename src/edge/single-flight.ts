// One asynchronous value for everybody who asks.

/**
 * A function that loads once: callers share one flight, a success is kept, a failure is forgotten and tried again by the next caller.
 * @param keepAlive keeps work running after the request that began it has ended. Without it the runtime ends that request's reads when its
 *   client goes away, and whoever shares the flight waits for ever.
 */
export function singleFlight<T>(load: () => Promise<T>, keepAlive: (work: Promise<unknown>) => void): () => Promise<T> {
  let flight: Promise<T> | undefined;
  return () => {
    if (flight === undefined) {
      flight = load().catch((cause: unknown) => {
        flight = undefined;
        throw cause;
      });
      keepAlive(flight.catch(() => undefined));
    }
    return flight;
  };
}

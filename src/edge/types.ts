// What hono's context carries in this app.

/** Variables of a request. */
export interface EdgeTypes {
  Variables: {
    requestId: string;
    /** Milliseconds by name, for Server-Timing. */
    timings: Record<string, number>;
  };
}

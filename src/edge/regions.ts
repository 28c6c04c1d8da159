// Where a request comes from, as far as Cloudflare says.

/** Names of the caller's continent and data centre, as `Endpoint.region` has them; empty outside of Cloudflare. */
export function regionsOf({ cf }: Request): readonly string[] {
  return [cf?.['continent'], cf?.['colo']].filter((name) => typeof name === 'string');
}

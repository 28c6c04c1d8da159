// The bearer token that an endpoint wants.

import type { Endpoint, EndpointTokens } from '../../contract/endpoint.ts';

/** The header, or none. */
export function tokenHeader(tokens: EndpointTokens, { id }: Pick<Endpoint, 'id'>): { readonly authorization?: string } {
  return Object.hasOwn(tokens, id) ? { authorization: `Bearer ${tokens[id]}` } : {};
}

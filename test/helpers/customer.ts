// The admin API of an edge, and customers that it opens accounts for.

import * as z from 'zod/mini';

const Made = z.object({ id: z.string() });
const Issued = z.object({ key: z.string() });

/** Asks the admin API of the edge at `url` by its root secret: a GET, or a POST where there is a body. */
export type Admin = <T extends z.core.$ZodType>(schema: T, path: string, body?: object) => Promise<z.core.output<T>>;

/** The admin API. @param url as a function, where the edge is started again and again */
export function adminOf(url: () => string, root: string): Admin {
  return async (schema, path, body) => {
    const response = await fetch(`${url()}/admin/v1/${path}`, {
      headers: { authorization: `Bearer ${root}`, 'content-type': 'application/json' },
      ...(body !== undefined && { method: 'POST', body: JSON.stringify(body) }),
    });
    return z.parse(schema, await response.json());
  };
}

/** An account with credit in millionths, and a key. @param options further fields of the key */
export async function openCustomer(
  admin: Admin,
  micros: number,
  scopes: readonly string[],
  options: object = {},
): Promise<{ readonly id: string; readonly key: string }> {
  const { id } = await admin(Made, 'accounts', { name: 'customer' });
  await admin(z.unknown(), `accounts/${id}/credits`, { id: 'one', micros });
  const { key } = await admin(Issued, `accounts/${id}/keys`, { name: 'k', scopes, ...options });
  return { id, key };
}

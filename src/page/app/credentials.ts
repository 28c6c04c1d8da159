// The key and the root secret that were typed in: kept for this tab until it is closed, in no address, no cookie and no log.

/** What may be typed in. */
export interface Credentials {
  /** Sent to /v1. */
  readonly key: string;
  /** Sent to /admin/v1. */
  readonly secret: string;
}

/** Where they are kept. */
export interface CredentialStore {
  read(): Credentials;
  /** Empty ones are forgotten. */
  write(credentials: Credentials): void;
  /** What is sent for a path of the edge. */
  forPath(path: string): string | undefined;
}

const PLACES = { key: 'twinroute.key', secret: 'twinroute.secret' } as const;

/** The store over a tab's storage. */
export function createCredentialStore(storage: Storage): CredentialStore {
  const read = (): Credentials => ({ key: storage.getItem(PLACES.key) ?? '', secret: storage.getItem(PLACES.secret) ?? '' });
  const put = (place: string, value: string): void => (value === '' ? storage.removeItem(place) : storage.setItem(place, value));
  return {
    read,
    write({ key, secret }) {
      put(PLACES.key, key.trim());
      put(PLACES.secret, secret.trim());
    },
    forPath(path) {
      const { key, secret } = read();
      const credential = path.startsWith('/admin/') ? secret : key;
      return credential === '' ? undefined : credential;
    },
  };
}

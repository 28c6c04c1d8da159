// Where this program may send requests to: addresses come from configuration, and whoever can write one must not gain what only its machine can
// reach. The text decides, after the URL parser has undone every spelling of an address; what a name resolves to it cannot tell.
// Source: the special-purpose registries of IANA (RFC 6890), as far as they matter here.

import { TwinrouteError, type ErrorCode } from '../core/errors.ts';

/** Networks that may be reached, each with those before it. */
export const REACHES = ['public', 'loopback', 'private'] as const;
export type Reach = (typeof REACHES)[number];

/** What an address is of; `never` for those that nobody means: link-local ones with their metadata services, multicast, reserved. */
type Network = Reach | 'never';

/** First address, length of the prefix in bits, network. The first that holds decides. */
const IPV4: readonly (readonly [string, number, Network])[] = [
  ['127.0.0.0', 8, 'loopback'],
  ['10.0.0.0', 8, 'private'],
  ['172.16.0.0', 12, 'private'],
  ['192.168.0.0', 16, 'private'],
  ['100.64.0.0', 10, 'private'],
  ['0.0.0.0', 8, 'never'],
  ['169.254.0.0', 16, 'never'],
  ['192.0.0.0', 24, 'never'],
  ['198.18.0.0', 15, 'never'],
  ['224.0.0.0', 3, 'never'],
];
const IPV6: readonly (readonly [string, number, Network])[] = [
  ['::1', 128, 'loopback'],
  ['::', 128, 'never'],
  // The metadata service of Amazon's machines.
  ['fd00:ec2::254', 128, 'never'],
  ['fc00::', 7, 'private'],
  ['fec0::', 10, 'private'],
  ['64:ff9b:1::', 48, 'private'],
  ['fe80::', 10, 'never'],
  ['ff00::', 8, 'never'],
];
/** Prefixes whose addresses are IPv4's in another dress, and the 16-bit group in which that one begins. */
const EMBEDDED: readonly (readonly [string, number, number])[] = [
  ['::ffff:0:0', 96, 6],
  ['64:ff9b::', 96, 6],
  ['::', 96, 6],
  ['2002::', 16, 1],
];
const PRIVATE_NAME = /^[^.]+$|\.(local|internal|intranet|lan|corp|home\.arpa)$/;
const METADATA_NAME = 'metadata.google.internal';

/**
 * The URL, when a request may go there: no credentials, query or fragment, https to public hosts, and http as well to loopback and private ones
 * where these may be reached.
 * @param title what it is, for messages, which tell neither credentials nor query
 * @param code of the error
 * @throws {TwinrouteError} `code`
 */
export function outboundUrl(text: string, reach: Reach, title: string, code: ErrorCode): URL {
  const refuse = (expected: string, got: string): TwinrouteError => new TwinrouteError(code, `${title}: expected ${expected}, got ${got}`);
  if (!URL.canParse(text)) throw refuse('a URL', 'something else');
  const url = new URL(text);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw refuse('http or https', url.protocol);
  if (url.username !== '' || url.password !== '') throw refuse('a URL without credentials', 'one with them');
  if (url.search !== '' || url.hash !== '') throw refuse('a URL without query and fragment', 'one with them');
  const network = networkOf(url.hostname);
  if (network === 'never' || REACHES.indexOf(network) > REACHES.indexOf(reach))
    throw refuse(
      `a host of the networks that OUTBOUND allows (${reach})`,
      `${url.hostname}, ${network === 'never' ? 'reserved' : network}`,
    );
  if (network === 'public' && url.protocol !== 'https:') throw refuse('https to a public host', `http to ${url.hostname}`);
  return url;
}

/** @param hostname as the URL parser writes it: lower case, addresses in their one form */
function networkOf(hostname: string): Network {
  const host = hostname.replace(/\.$/, '');
  if (host.startsWith('[')) return networkOfV6(groupsOf(host.slice(1, -1)));
  if (/^\d+\.\d+\.\d+\.\d+$/.test(host)) return networkOfV4(bytesOf(host));
  if (host === 'localhost' || host.endsWith('.localhost')) return 'loopback';
  if (host === METADATA_NAME) return 'never';
  return PRIVATE_NAME.test(host) ? 'private' : 'public';
}

function networkOfV4(bytes: readonly number[]): Network {
  return IPV4.find(([first, bits]) => isWithin(bytes, bytesOf(first), 8, bits))?.[2] ?? 'public';
}

function networkOfV6(groups: readonly number[]): Network {
  const own = IPV6.find(([first, bits]) => isWithin(groups, groupsOf(first), 16, bits))?.[2];
  if (own !== undefined) return own;
  const embedded = EMBEDDED.find(([first, bits]) => isWithin(groups, groupsOf(first), 16, bits));
  if (embedded === undefined) return 'public';
  const inner = groups.slice(embedded[2], embedded[2] + 2);
  return networkOfV4(inner.flatMap((group) => [group >> 8, group & 0xff]));
}

/** Whether two addresses agree in their first `bits` bits. @param width bits of each part */
function isWithin(address: readonly number[], first: readonly number[], width: number, bits: number): boolean {
  return address.every((part, i) => {
    const free = Math.min(width, Math.max(0, (i + 1) * width - bits));
    return part >> free === first[i] >> free;
  });
}

function bytesOf(text: string): readonly number[] {
  return text.split('.').map(Number);
}

/** The eight groups of an IPv6 address without a dotted part. */
function groupsOf(text: string): readonly number[] {
  const [head, tail] = text.split('::').map((half) => (half === '' ? [] : half.split(':').map((group) => Number.parseInt(group, 16))));
  return tail === undefined ? head : [...head, ...Array.from({ length: 8 - head.length - tail.length }, () => 0), ...tail];
}

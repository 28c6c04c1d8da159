// This program's version, for runtimes that cannot read package.json; a test holds the two together.

/** The version. */
export const VERSION = '0.1.0';

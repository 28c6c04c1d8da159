// Which mixes are worth weights of their own. A mix is hot by the tokens that came with it lately; making its weights costs once what keeping its factors
// out of every token saves many times, and the places are few.

/** What promotion costs and saves. */
export interface HotMixOptions {
  /** Mixes that may have weights of their own at once. */
  readonly places: number;
  /** Tokens, of all mixes together, after which half of what was seen is forgotten. */
  readonly halfLifeTokens: number;
  /** A mix pays when this many of its tokens were seen in a half-life. */
  readonly payingTokens: () => number;
}

/** A change of places. */
export interface Promotion {
  readonly promote: string;
  /** Who has to go; undefined while there are places. */
  readonly demote: string | undefined;
}

/** Heat of mixes by their keys. */
export interface HotMixes {
  note(key: string, tokens: number): void;
  /** The change that pays most, if one does. It is not made before `settle`. */
  next(): Promotion | undefined;
  settle(promotion: Promotion): void;
  /** All places are free again, and what was seen is forgotten: it takes as much again to be promoted. */
  clear(): void;
  promoted(key: string): boolean;
}

/** A newcomer has to be this much hotter than whom it replaces: places do not change hands by noise. */
const MARGIN = 1.5;
/** Keys that are remembered; of more, the coldest are forgotten. */
const REMEMBERED = 4096;

/** Nothing is hot at first. Cost: O(keys remembered) for `next` */
export function createHotMixes({ places, halfLifeTokens, payingTokens }: HotMixOptions): HotMixes {
  /** Tokens seen of a key, as of `at` on the clock of all tokens. */
  const heats = new Map<string, { tokens: number; at: number }>();
  const placed = new Set<string>();
  let clock = 0;

  const heatOf = (key: string): number => {
    const heat = heats.get(key);
    return heat === undefined ? 0 : heat.tokens * 2 ** ((heat.at - clock) / halfLifeTokens);
  };
  const hottest = (keys: Iterable<string>, sign: 1 | -1): string | undefined => {
    let best: string | undefined;
    for (const key of keys) if (best === undefined || sign * heatOf(key) > sign * heatOf(best)) best = key;
    return best;
  };

  return {
    note(key, tokens) {
      clock += tokens;
      heats.set(key, { tokens: heatOf(key) + tokens, at: clock });
      if (heats.size <= REMEMBERED) return;
      const coldest = [...heats.keys()].sort((a, b) => heatOf(b) - heatOf(a)).slice(REMEMBERED / 2);
      for (const old of coldest) if (!placed.has(old)) heats.delete(old);
    },
    next() {
      if (places === 0) return undefined;
      const promote = hottest(
        [...heats.keys()].filter((key) => !placed.has(key)),
        1,
      );
      if (promote === undefined || heatOf(promote) < payingTokens()) return undefined;
      if (placed.size < places) return { promote, demote: undefined };
      const demote = hottest(placed, -1);
      return demote !== undefined && heatOf(promote) > MARGIN * heatOf(demote) ? { promote, demote } : undefined;
    },
    settle({ promote, demote }) {
      if (demote !== undefined) placed.delete(demote);
      placed.add(promote);
    },
    clear() {
      placed.clear();
      heats.clear();
    },
    promoted: (key) => placed.has(key),
  };
}

// What an answer costs, and the most that it can cost before it is known.

/** Price of an answer in micro-units. */
export interface Rate {
  readonly request: number;
  readonly per_1000_tokens: number;
}

/** Prices of a deployment. */
export interface PriceList {
  /** ISO 4217 code, or any other name of the unit. */
  readonly currency: string;
  /** What any answer costs. */
  readonly answer: Rate;
  /** What telling the router's scores costs. */
  readonly route: number;
  /** Instead of `answer`, by config id. */
  readonly configs: Readonly<Record<string, Rate>>;
  /** On top, for every expert in the mix that was served. */
  readonly experts: Readonly<Record<string, Rate>>;
  /** Tokens of one input that are charged at most; what models of the deployment read. */
  readonly max_tokens: number;
}

/** An answer as far as its price goes. */
export interface PricedAnswer {
  readonly config: string;
  readonly experts: readonly string[];
  readonly tokens: number;
}

/** A question as far as its price goes. */
export interface PricedQuestion {
  /** Configs that may answer it; undefined for any. */
  readonly configs: readonly string[] | undefined;
  /** The experts that it names; undefined where a router decides. */
  readonly experts: readonly string[] | undefined;
  /** Experts that a router may mix at most; any number when undefined. */
  readonly topK: number | undefined;
  /** Experts of each config that mixes all of its own whatever the question, by config. */
  readonly gated: ReadonlyMap<string, readonly string[]>;
  /** Length of its texts in UTF-8. */
  readonly bytes: number;
}

const FREE: Rate = { request: 0, per_1000_tokens: 0 };
/** Tokens that a model adds to its texts, at most. */
const SPECIAL_TOKENS = 8;

/** The price in micro-units, rounded up once. */
export function priceOf(prices: PriceList, { config, experts, tokens }: PricedAnswer): number {
  const rates = [rateOf(prices.configs, config, prices.answer), ...experts.map((expert) => rateOf(prices.experts, expert, FREE))];
  return total(rates, Math.min(tokens, prices.max_tokens));
}

/** The most that an answer can cost: the dearest config and experts that it may get, and a token for every byte. */
export function priceBound(prices: PriceList, { configs, experts, topK, gated, bytes }: PricedQuestion): number {
  const base = dearest(
    configs?.map((config) => rateOf(prices.configs, config, prices.answer)) ?? [prices.answer, ...Object.values(prices.configs)],
  );
  const extra = experts === undefined ? worst(Object.values(prices.experts), topK ?? Infinity) : expertsRate(prices, experts);
  const whole = Array.from(gated)
    .filter(([config]) => configs?.includes(config) !== false)
    .map(([, all]) => expertsRate(prices, all));
  return total([base, dearest([extra, ...whole])], Math.min(bytes + SPECIAL_TOKENS, prices.max_tokens));
}

/** What these experts cost together. */
function expertsRate(prices: PriceList, experts: readonly string[]): Rate {
  return sumOf(experts.map((expert) => rateOf(prices.experts, expert, FREE)));
}

/** The rate of a name that callers choose, which may be one that every object has. */
function rateOf(rates: Readonly<Record<string, Rate>>, name: string, otherwise: Rate): Rate {
  return Object.hasOwn(rates, name) ? rates[name] : otherwise;
}

function total(rates: readonly Rate[], tokens: number): number {
  const { request, per_1000_tokens: perThousand } = sumOf(rates);
  return request + Math.ceil((perThousand * tokens) / 1000);
}

function sumOf(rates: readonly Rate[]): Rate {
  return {
    request: rates.reduce((sum, rate) => sum + rate.request, 0),
    per_1000_tokens: rates.reduce((sum, rate) => sum + rate.per_1000_tokens, 0),
  };
}

/** Each part of the price at its highest. */
function dearest(rates: readonly Rate[]): Rate {
  return {
    request: Math.max(...rates.map((rate) => rate.request)),
    per_1000_tokens: Math.max(...rates.map((rate) => rate.per_1000_tokens)),
  };
}

/** Sum of the `count` highest of each part. */
function worst(rates: readonly Rate[], count: number): Rate {
  const top = (values: readonly number[]): number =>
    [...values]
      .sort((a, b) => b - a)
      .slice(0, count)
      .reduce((sum, value) => sum + value, 0);
  return { request: top(rates.map((rate) => rate.request)), per_1000_tokens: top(rates.map((rate) => rate.per_1000_tokens)) };
}

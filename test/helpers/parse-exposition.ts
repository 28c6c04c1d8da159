// A strict reader of Prometheus's text format and of OpenMetrics, to hold what we write against: anything out of form throws.

export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const SUFFIXES: Readonly<Record<string, readonly string[]>> = {
  counter: ['', '_total'],
  gauge: [''],
  histogram: ['_bucket', '_sum', '_count'],
};

/** The samples, each of a family that was described before, families whole and once; histograms cumulative and complete. */
export function parseExposition(text: string): Sample[] {
  const samples: Sample[] = [];
  const families = new Set<string>();
  let family: { readonly name: string; readonly type: string } | undefined;
  let help: string | undefined;
  const lines = text.split('\n');
  if (lines.pop() !== '') throw new Error('expected a line feed at the end');
  for (const [i, line] of lines.entries()) {
    if (line === '# EOF') {
      if (i !== lines.length - 1) throw new Error('expected nothing after # EOF');
      continue;
    }
    const [, word, name, rest] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? [];
    if (word === 'HELP') {
      if (!NAME.test(name) || families.has(name) || !/^(?:[^\\]|\\[\\n"])*$/.test(rest)) throw new Error(`bad HELP: ${line}`);
      families.add(name);
      help = name;
    } else if (word === 'TYPE') {
      if (name !== help || !(rest in SUFFIXES)) throw new Error(`bad TYPE: ${line}`);
      family = { name, type: rest };
    } else {
      const sample = parseSample(line);
      const { name: base = '', type = '' } = family ?? {};
      if (!(SUFFIXES[type] ?? []).some((suffix) => sample.name === base + suffix)) throw new Error(`sample outside of its family: ${line}`);
      samples.push(sample);
    }
  }
  checkHistograms(samples);
  const keys = samples.map(({ name, labels }) => JSON.stringify([name, labels]));
  if (new Set(keys).size !== keys.length) throw new Error('expected each series once');
  return samples;
}

function parseSample(line: string): Sample {
  const [, name = '', braces, number = ''] = /^([^\s{]+)(\{.*\})? (\S+)$/.exec(line) ?? [];
  if (!NAME.test(name)) throw new Error(`bad sample: ${line}`);
  const labels: Record<string, string> = {};
  let rest = braces?.slice(1, -1) ?? '';
  while (rest !== '') {
    const [whole, label = '', value = ''] = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\n"])*)"(?:,(?=.)|$)/.exec(rest) ?? [];
    if (whole === undefined || label in labels) throw new Error(`bad labels: ${line}`);
    labels[label] = value.replaceAll(/\\(.)/g, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped));
    rest = rest.slice(whole.length);
  }
  return { name, labels, value: parseNumber(number) };
}

function parseNumber(text: string): number {
  if (text === '+Inf' || text === '-Inf') return text === '+Inf' ? Infinity : -Infinity;
  const value = Number(text);
  if (!Number.isFinite(value) || text.trim() === '') throw new Error(`bad number: ${text}`);
  return value;
}

function checkHistograms(samples: readonly Sample[]): void {
  const buckets = new Map<string, { le: number; value: number }[]>();
  for (const { name, labels, value } of samples) {
    if (!name.endsWith('_bucket')) continue;
    const { le = '', ...others } = labels;
    const key = JSON.stringify([name.slice(0, -'_bucket'.length), others]);
    buckets.set(key, [...(buckets.get(key) ?? []), { le: parseNumber(le), value }]);
  }
  for (const [key, list] of buckets) {
    const [base, others]: [string, Record<string, string>] = JSON.parse(key);
    const count = samples.find(({ name, labels }) => name === `${base}_count` && JSON.stringify(labels) === JSON.stringify(others))?.value;
    const ascending = list.every(({ le, value }, i) => i === 0 || (le > list[i - 1].le && value >= list[i - 1].value));
    const last = list.at(-1);
    if (!ascending || last?.le !== Infinity || last.value !== count) throw new Error(`bad histogram: ${key}`);
  }
}

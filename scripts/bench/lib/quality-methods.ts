// The rows of the quality table: every method with the settings that validation rows choose from. A new method is a row here.

import type { ConfigPatch, Subject } from './quality-models.ts';

/** A setting of a method. */
export interface Setting {
  /** As the table has it. */
  readonly label: string;
  readonly subject: Subject;
  /** Takes a quarter of an hour: measured with the first seed alone. */
  readonly long?: true;
}

/** A method. */
export interface MethodRow {
  readonly name: string;
  readonly kind: 'reference' | 'static' | 'adaptive' | 'pack';
  readonly settings: readonly Setting[];
}

type Values = Readonly<Record<string, number | boolean>>;

function spell(values: Values): string {
  return Object.entries(values)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ');
}

/** A method as the shared model alone, at each of the values. */
function shared(kind: 'static' | 'adaptive', method: string, ...grid: readonly Values[]): MethodRow {
  const settings = grid.map((values): Setting => ({
    label: spell(values),
    subject: { kind: 'shared', config: { parameters: { shared: { method, ...values } } } },
  }));
  return { name: method, kind, settings };
}

function each(name: string, values: readonly number[]): Values[] {
  return values.map((value) => ({ [name]: value }));
}

/** A pack at each of its settings. */
function pack(name: string, settings: Readonly<Record<string, ConfigPatch>>): MethodRow {
  return {
    name,
    kind: 'pack',
    settings: Object.entries(settings).map(([label, config]) => ({ label, subject: { kind: 'pack', config } })),
  };
}

/** A Twin pack over Task Arithmetic. */
export function twin(parameters: Readonly<Record<string, unknown>>): ConfigPatch {
  return { merge_method: 'twin', parameters: { shared: 'task_arithmetic', ...parameters } };
}

/** Packs that are measured on all test rows: the paper's way, the best mean of the curve's validation rows below 8 MB, and `experts/twin.yaml`. */
export const WHOLE: MethodRow = pack('on all test rows', {
  'the paper’s way: about the shared model, lambda 0.1, rank 16, int8': twin({ lambda: 0.1, rank: 16, quantize: 'int8' }),
  'about the base, lambda 0.4, budget 12, int4': twin({ about: 'base', lambda: 0.4, budget: { average_rank: 12 }, quantize: 'int4' }),
  'experts/twin.yaml: about the base, lambda 0.4, budget 12, int8': twin({
    about: 'base',
    lambda: 0.4,
    budget: { average_rank: 12 },
    quantize: 'int8',
  }),
});

/** λ of Task Arithmetic alone. */
export const TASK_ARITHMETIC: MethodRow = shared('static', 'task_arithmetic', ...each('lambda', [0.1, 0.2, 0.3, 0.4, 0.5]));

/** The experts themselves and the base under each expert's head. */
export const REFERENCES: readonly MethodRow[] = [
  { name: 'the experts themselves', kind: 'reference', settings: [{ label: '', subject: { kind: 'individual' } }] },
  { ...shared('static', 'task_arithmetic', { lambda: 0 }), name: 'the base', kind: 'reference' },
];

/** Learning that a bench of many methods has time for; the default is 300 steps of 16 texts a task. */
const SHORT: Values = { steps: 40, batch: 8, rate: 3e-3 };
const LAYERWISE = shared('adaptive', 'ada_merging_layer', SHORT);

function long(setting: Setting): Setting {
  return { ...setting, long: true };
}

/** Every method that can make or be a pack of these experts; slerp and nuslerp take two models, passthrough one. */
export const METHODS: readonly MethodRow[] = [
  TASK_ARITHMETIC,
  shared('static', 'linear', {}),
  shared('static', 'ties', { lambda: 0.7, density: 0.2 }, { lambda: 1.5, density: 0.2 }, { lambda: 1.5, density: 0.5 }),
  shared('static', 'dare_linear', ...each('lambda', [0.2, 0.3, 0.4])),
  shared('static', 'dare_ties', ...each('lambda', [0.2, 0.3, 0.4])),
  shared('static', 'della', ...each('lambda', [1, 2])),
  shared('static', 'della_linear', ...each('lambda', [0.2, 0.3, 0.4])),
  shared('static', 'breadcrumbs', ...each('lambda', [0.2, 0.3, 0.4])),
  shared('static', 'breadcrumbs_ties', ...each('lambda', [0.2, 0.3, 0.4])),
  shared('static', 'sce', ...each('select_topk', [0.5, 1])),
  shared('static', 'model_stock', { filter_wise: false }, { filter_wise: true }),
  shared('static', 'tsv', ...each('alpha', [0.5, 1, 1.5])),
  shared('static', 'iso_c', ...each('alpha', [0.5, 1, 1.5])),
  shared('adaptive', 'regmean', ...each('off_diagonal', [0.9, 0.99])),
  shared('adaptive', 'ada_merging', SHORT),
  { ...LAYERWISE, settings: [...LAYERWISE.settings, ...shared('adaptive', LAYERWISE.name, { steps: 300 }).settings.map(long)] },
  shared('adaptive', 'ada_merging_pp', SHORT),
  pack('twin about the shared model', {
    'rank 16, int8, lambda 0.1': twin({ lambda: 0.1, rank: 16, quantize: 'int8' }),
    'rank 16, int8, lambda 0.2': twin({ lambda: 0.2, rank: 16, quantize: 'int8' }),
    'rank 16, int8, lambda 0.3': twin({ lambda: 0.3, rank: 16, quantize: 'int8' }),
  }),
  pack('twin about the base', { 'rank 16, int8': twin({ about: 'base', lambda: 0.3, rank: 16, quantize: 'int8' }) }),
  pack('emr', { '': { merge_method: 'emr' } }),
  pack('wemoe', { 'defaults, lambda 0.3': { merge_method: 'wemoe' } }),
  pack('e_wemoe', { 'defaults, lambda 0.3': { merge_method: 'e_wemoe' } }),
];

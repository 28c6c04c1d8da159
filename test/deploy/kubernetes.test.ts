// Manifests say again what the code says: ports, paths, options, variables, metrics, times. Here each is held against the code, and against the others;
// whether they are valid to Kubernetes, scripts/kubernetes.ts tells.

import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import * as z from 'zod/mini';
import { VERBS } from '../../src/cli/verbs.ts';
import { parseWith } from '../../src/contract/parse.ts';
import { startOrigin, type Origin } from '../../src/origin/index.ts';
import { ORIGIN_METRICS } from '../../src/origin/observe/origin-metrics.ts';
import { createFakePredictor } from '../origin/fake-predictor.ts';

const ROOT = 'deploy/kubernetes';

const Probe = z.object({ httpGet: z.object({ path: z.string(), port: z.union([z.string(), z.number()]) }) });
const Security = z.object({
  allowPrivilegeEscalation: z.literal(false),
  readOnlyRootFilesystem: z.optional(z.boolean()),
  capabilities: z.object({ drop: z.array(z.string()) }),
});
const Container = z.object({
  name: z.string(),
  image: z.string(),
  args: z.array(z.string()),
  env: z._default(z.array(z.object({ name: z.string() })), []),
  ports: z._default(z.array(z.object({ name: z.string(), containerPort: z.number() })), []),
  startupProbe: z.optional(Probe),
  readinessProbe: z.optional(Probe),
  livenessProbe: z.optional(Probe),
  resources: z.object({ requests: z.object({ cpu: z.string(), memory: z.string() }) }),
  securityContext: Security,
  volumeMounts: z._default(z.array(z.object({ name: z.string(), mountPath: z.string(), subPath: z.optional(z.string()) })), []),
});
type Container = z.infer<typeof Container>;
const PodSpec = z.object({ terminationGracePeriodSeconds: z.optional(z.number()), containers: z.array(Container) });
const Document = z.looseObject({
  kind: z.string(),
  metadata: z.optional(z.looseObject({ name: z.optional(z.string()) })),
  spec: z.optional(z.looseObject({})),
});
type Document = z.infer<typeof Document>;

/** What KServe leaves a pod to end; its runtimes cannot say otherwise. Seconds. */
const KSERVE_GRACE = 30;

let server: Origin;
let documents: readonly { readonly file: string; readonly text: string; readonly document: Document }[];
let containers: readonly { readonly file: string; readonly container: Container; readonly graceSeconds: number }[];

beforeAll(async () => {
  server = await startOrigin({ predictors: [createFakePredictor()], version: '0', log: () => {} });
  const files = (await readdir(ROOT, { recursive: true })).filter((file) => file.endsWith('.yaml'));
  const read = await Promise.all(
    files.map(async (file) => {
      const text = await readFile(join(ROOT, file), 'utf8');
      const parsed = parseAllDocuments(text);
      for (const { errors } of parsed) for (const error of errors) throw new Error(`${file}: ${error.message}`);
      return parsed.map((document) => ({ file, text, value: z.parse(z.looseObject({}), document.toJS()) }));
    }),
  );
  documents = read.flat().flatMap(({ file, text, value }) => ('kind' in value ? [{ file, text, document: z.parse(Document, value) }] : []));
  containers = documents.flatMap(({ file, document }) => {
    const spec = podSpecOf(document);
    if (spec === undefined) return [];
    const pod = parseWith(PodSpec, spec, file, 'format');
    return pod.containers.map((container) => ({
      file,
      container,
      graceSeconds: document.kind === 'ServingRuntime' ? KSERVE_GRACE : (pod.terminationGracePeriodSeconds ?? 30),
    }));
  });
});

afterAll(() => server.close());

const WithTemplate = z.object({ template: z.object({ spec: z.unknown() }) });

function podSpecOf({ kind, spec }: Document): unknown {
  if (kind === 'ServingRuntime') return spec;
  return kind === 'Deployment' || kind === 'Job' ? z.parse(WithTemplate, spec).template.spec : undefined;
}

function find(file: string, kind: string): Document {
  const found = documents.find((each) => each.file === file && each.document.kind === kind);
  if (found === undefined) throw new Error(`${file}: expected a ${kind}`);
  return found.document;
}

/** `--name=value` among arguments. */
function optionOf(args: readonly string[], name: string): string | undefined {
  return args.find((arg) => arg.startsWith(`--${name}=`))?.slice(name.length + 3);
}

const ours = (): typeof containers => containers.filter(({ container }) => container.image.startsWith('twinroute-'));

test('there is something to hold against the code', () => {
  expect(
    ours()
      .map(({ file }) => file)
      .sort(),
  ).toEqual(['build/join.yaml', 'build/shards.yaml', 'kserve/origin-runtime.yaml', 'origin/deployment.yaml']);
});

test('every container of ours runs a verb with options that it has', () => {
  for (const { file, container } of ours()) {
    const [name, ...args] = container.args;
    const verb = VERBS.find((each) => each.name === name);
    const options = args.filter((arg) => arg.startsWith('--')).map((arg) => arg.slice(2).split('=', 1)[0]);
    const known = Object.keys(verb?.options ?? {});
    expect({ file, verb: verb?.name, unknown: options.filter((option) => !known.includes(option)) }).toEqual({
      file,
      verb: name,
      unknown: [],
    });
    expect(container.image).toMatch(name === 'origin' ? /^twinroute-origin/ : /^twinroute-build/);
  }
});

test('overlays add options that an origin has', async () => {
  const overlays = documents.filter(({ document }) => document.kind === 'Kustomization').map(({ text }) => text);
  const options = overlays.flatMap((text) => [...text.matchAll(/value: --([a-z-]+)=/g)].map(([, option]) => option));
  expect(options).toEqual(['device', 'instances']);
  expect(Object.keys(VERBS.find(({ name }) => name === 'origin')?.options ?? {})).toEqual(expect.arrayContaining(options));
});

test('probes ask the port that is listened on, at paths that answer', async () => {
  for (const { file, container } of containers) {
    const probes = [container.startupProbe, container.readinessProbe, container.livenessProbe].filter((probe) => probe !== undefined);
    if (container.name === 'build') continue;
    expect({ file, probes: probes.length }).toEqual({ file, probes: 3 });
    const listens = optionOf(container.args, 'port') ?? optionOf(container.args, 'http-port');
    for (const { httpGet } of probes) {
      const port =
        typeof httpGet.port === 'number' ? httpGet.port : container.ports.find(({ name }) => name === httpGet.port)?.containerPort;
      expect({ file, port }).toEqual({ file, port: Number(listens) });
      expect({ file, path: httpGet.path, status: (await fetch(server.url + httpGet.path)).status }).toEqual({
        file,
        path: httpGet.path,
        status: 200,
      });
    }
  }
});

test('pods are told to stop for longer than the origin’s notice and drain take', () => {
  for (const { file, container, graceSeconds } of ours()) {
    if (container.args[0] !== 'origin') continue;
    const [notice, drain] = ['notice-ms', 'drain-ms'].map((name) => Number(optionOf(container.args, name)));
    expect({ file, enough: notice > 0 && notice + drain + 2_000 <= graceSeconds * 1000 }).toEqual({ file, enough: true });
  }
});

test('variables are those that the program reads', async () => {
  const sources = (await readdir('src/cli', { recursive: true })).filter((file) => file.endsWith('.ts'));
  const code = (await Promise.all(sources.map((file) => readFile(join('src/cli', file), 'utf8')))).join('\n');
  const names = ours().flatMap(({ container }) => container.env.map(({ name }) => name));
  expect(names.length).toBeGreaterThan(0);
  expect(names.filter((name) => !code.includes(`'${name}'`))).toEqual([]);
});

test('threads are as many as the CPUs that are asked for', () => {
  const origins = ours().filter(({ container }) => container.args[0] === 'origin');
  const threads = origins.map(({ container: { args } }) => Number(optionOf(args, 'instances')) * Number(optionOf(args, 'threads')));
  expect(threads).toEqual(origins.map(({ container }) => Number(container.resources.requests.cpu)));
});

test('no container may write its root, gain rights or keep capabilities; Triton alone writes', () => {
  for (const { file, container } of containers) {
    expect({ file, drop: container.securityContext.capabilities.drop }).toEqual({ file, drop: ['ALL'] });
    const writes = container.securityContext.readOnlyRootFilesystem !== true;
    expect({ file, writes }).toEqual({ file, writes: container.image === 'tritonserver' });
  }
});

describe('autoscaling', () => {
  const metric = ORIGIN_METRICS.pending.name;

  test('goes by the gauge of waiting requests, by way of the adapter and of KEDA', async () => {
    const spec = z.parse(
      z.object({
        scaleTargetRef: z.object({ kind: z.string(), name: z.string() }),
        metrics: z.array(z.object({ pods: z.object({ metric: z.object({ name: z.string() }) }) })),
      }),
      find('origin/autoscaler.yaml', 'HorizontalPodAutoscaler').spec,
    );
    const deployment = find('origin/deployment.yaml', 'Deployment');
    expect(spec.scaleTargetRef).toEqual({ kind: deployment.kind, name: deployment.metadata?.name });
    expect(spec.metrics.map(({ pods }) => pods.metric.name)).toEqual([metric]);
    const adapter = await readFile(join(ROOT, 'monitoring/prometheus-adapter.yaml'), 'utf8');
    expect(adapter).toContain(`seriesQuery: ${metric}{`);
    expect(adapter).toContain(`as: ${metric} `);
    expect(await readFile(join(ROOT, 'keda/scaledobject.yaml'), 'utf8')).toContain(`(${metric}{`);
  });

  test('Prometheus is sent where metrics are', async () => {
    const template = z.parse(
      z.object({ template: z.object({ metadata: z.object({ annotations: z.record(z.string(), z.string()) }) }) }),
      find('origin/deployment.yaml', 'Deployment').spec,
    );
    const { annotations } = template.template.metadata;
    expect(annotations['prometheus.io/port']).toBe(
      optionOf(ours().find(({ file }) => file === 'origin/deployment.yaml')?.container.args ?? [], 'port'),
    );
    const response = await fetch(server.url + annotations['prometheus.io/path']);
    expect([response.status, await response.text()]).toEqual([200, expect.stringContaining(metric)]);
  });
});

test('services, budgets and policies select the pods of the deployment', () => {
  const Labels = z.record(z.string(), z.string());
  const labels = z.parse(
    z.object({ template: z.object({ metadata: z.object({ labels: Labels }) }) }),
    find('origin/deployment.yaml', 'Deployment').spec,
  ).template.metadata.labels;
  const Selected = z.object({
    selector: z.optional(z.union([z.object({ matchLabels: Labels }), Labels])),
    podSelector: z.optional(z.object({ matchLabels: Labels })),
  });
  for (const [file, kind] of [
    ['origin/deployment.yaml', 'Deployment'],
    ['origin/service.yaml', 'Service'],
    ['origin/disruption.yaml', 'PodDisruptionBudget'],
    ['origin/network.yaml', 'NetworkPolicy'],
  ]) {
    const { selector, podSelector } = z.parse(Selected, find(file, kind).spec);
    const chosen = selector ?? podSelector;
    expect({ file, chosen: chosen !== undefined && 'matchLabels' in chosen ? chosen.matchLabels : chosen }).toEqual({
      file,
      chosen: labels,
    });
  }
});

test('shards are as many as the Job’s completions; the join reads where they write, and writes where origins read', () => {
  const argsOf = (file: string): readonly string[] => ours().find((each) => each.file === file)?.container.args ?? [];
  const { completions } = z.parse(z.object({ completions: z.number() }), find('build/shards.yaml', 'Job').spec);
  expect(optionOf(argsOf('build/shards.yaml'), 'shard')).toBe(`$(JOB_COMPLETION_INDEX)/${completions}`);
  const parts = optionOf(argsOf('build/shards.yaml'), 'out')?.replace('/$(JOB_COMPLETION_INDEX)', '') ?? '';
  expect(argsOf('build/join.yaml')).toContain(parts);
  expect(argsOf('build/join.yaml')[1]).toBe(argsOf('build/shards.yaml')[1]);
  const pack = optionOf(argsOf('build/join.yaml'), 'out');
  const origin = ours().find(({ file }) => file === 'origin/deployment.yaml')?.container;
  const mount = origin?.volumeMounts.find(({ name }) => name === 'packs');
  expect(`${mount?.subPath}${origin?.args[1].slice(mount?.mountPath.length)}`).toBe(pack);
  const { storageUri } = z.parse(
    z.object({ predictor: z.object({ model: z.object({ storageUri: z.string() }) }) }),
    find('kserve/origin.yaml', 'InferenceService').spec,
  ).predictor.model;
  expect(storageUri).toBe(`pvc://${find('origin/packs.yaml', 'PersistentVolumeClaim').metadata?.name}/${pack}`);
});

test('every command of docs/deploy.md and of the manifests’ comments exists with its options', async () => {
  const texts = [await readFile('docs/deploy.md', 'utf8'), ...documents.map(({ text }) => text)].join('\n');
  const lines = texts.split('\n').flatMap((line) => [...line.matchAll(/(?:npx |^#\s+|`|do )twinroute ([a-z-]+)([^`;|]*)/g)]);
  expect(lines.length).toBeGreaterThan(5);
  for (const [line, name, rest] of lines) {
    const verb = VERBS.find((each) => each.name === name);
    const unknown = [...rest.matchAll(/--([a-z-]+)/g)].map(([, option]) => option).filter((option) => verb?.options[option] === undefined);
    expect({ line, verb: verb?.name, unknown }).toEqual({ line, verb: name, unknown: [] });
  }
});

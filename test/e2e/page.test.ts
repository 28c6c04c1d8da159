// The operator's page in Chromium, served by workerd, over real origins, accounts and an experiment.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import axe from 'axe-core';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import * as z from 'zod/mini';
import { ErrorBody, Prediction } from '../../src/contract/http.ts';
import { openPack } from '../../src/formats/pack.ts';
import { createSha256, openFolder } from '../../src/host/files.ts';
import { findBrowser } from '../helpers/browser.ts';
import { buildTinyPack, makeTinyInputs, tinyText, type TinyInputs } from '../helpers/tiny-pack.ts';
import { startWith, type Program } from './program.ts';

declare global {
  interface Window {
    /** Put there by `axe.source`. */
    readonly axe: typeof axe;
  }
}

const BROWSER = findBrowser();
const ROOT = 'a root secret for this test, long enough';
const PRICES = JSON.stringify({ currency: 'EUR', answer: { request: 100 } });
const ARMS = ['rank-4', 'rank-2'];
const AXE: axe.RunOptions = {
  resultTypes: ['violations'],
  runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
};

/** Every screen: its address and what is there once it has loaded. */
const SCREENS = {
  playground: 'text=Examples',
  experts: 'table',
  'experts/releases': '.card',
  experiments: '.card',
  'experiments/ranks': 'figure svg',
  endpoints: '.badge',
  usage: 'table',
  'usage/accounts': 'table',
  'usage/books': '.badge',
} as const;

let inputs: TinyInputs[];
let work: string;
let program: Program;
let url: string;
let key: string;
let configs: string[];
let browser: Browser;
let context: BrowserContext | undefined;
/** Requests of each arm that were made before the tests. */
const counts: Record<string, number> = {};

describe.skipIf(BROWSER === undefined)('the operator’s page (skipped where there is no Chromium: set CHROMIUM to its path)', () => {
  beforeAll(async () => {
    work = await mkdtemp(join(tmpdir(), 'twinroute-page-'));
    inputs = [await makeTinyInputs({ rank: 4 }), await makeTinyInputs({ rank: 2 })];
    // One after another: a process has one tensor engine.
    const paths = [await buildTinyPack(inputs[0], 'first'), await buildTinyPack(inputs[1], 'second')];
    configs = await Promise.all(paths.map(configOf));
    const arms = ARMS.map((name, i) => ({ name, config: configs[i], weight: 0.5 }));
    const experiments = { experiments: [{ key: 'ranks', arms, guardrails: [{ metric: 'error' }] }] };
    await writeFile(join(work, 'experiments.json'), JSON.stringify(experiments));
    const options = ['--experiments', join(work, 'experiments.json'), '--state', join(work, 'state'), '--port', '0', '--origin-port', '0'];
    program = startWith({ ADMIN_SECRET: ROOT, PRICES }, 'dev', ...paths, ...options);
    url = (await program.waitFor(/page: (http:\/\/\S+)/))[1];
    key = (await program.waitFor(/Bearer (tr_\w+)/))[1];
    for (let i = 0; i < 40; i++) {
      const { experiment } = await ask({ text: tinyText('birds', i), user: `user-${i}` });
      if (experiment !== undefined) counts[experiment.arm] = (counts[experiment.arm] ?? 0) + 1;
    }
    browser = await chromium.launch({ executablePath: BROWSER ?? '', args: ['--no-sandbox'] });
  });

  afterAll(async () => {
    await browser.close();
    program.process.kill('SIGTERM');
    await program.ended;
    await Promise.all(inputs.map(({ models }) => models.remove()));
    await rm(work, { recursive: true, force: true });
  });

  afterEach(async () => {
    for (const page of context?.pages() ?? []) await page.unrouteAll({ behavior: 'ignoreErrors' });
    await context?.close();
    context = undefined;
  });

  test('is a document and hashed files; packs stay out of reach', async () => {
    const document = await fetch(url);
    expect(document.headers.get('content-security-policy')).toMatch(/^default-src 'none'; script-src 'self';/);
    expect(document.headers.get('cache-control')).toBe('no-cache');
    const html = await document.text();
    const again = await fetch(url, { headers: { 'if-none-match': document.headers.get('etag') ?? '' } });
    expect({ status: again.status, body: await again.text() }).toEqual({ status: 304, body: '' });
    const named = Array.from(html.matchAll(/\/page\/[\w.-]+/g), ([path]) => path);
    expect(named).toHaveLength(4);
    for (const path of named) {
      const file = await fetch(new URL(path, url));
      await file.body?.cancel();
      expect({ path, status: file.status, cached: file.headers.get('cache-control') }).toEqual({
        path,
        status: 200,
        cached: 'public, max-age=31536000, immutable',
      });
    }
    for (const path of [
      'packs/index.json',
      `packs/${configs[0]}/edge.json`,
      'page/index.html',
      'page/app-AAAAAAAA.js',
      'page/..%2fpacks/index.json',
    ])
      expect({ path, status: (await fetch(url + path)).status }).toEqual({ path, status: 404 });
    expect((await fetch(url, { method: 'POST' })).status).toBeGreaterThanOrEqual(404);
  });

  test('without a key it says so, with the code and the request’s id, and takes one', async () => {
    const { page, asked } = await open('usage', { credentials: false });
    const alert = page.getByRole('alert').first();
    await alert.waitFor();
    expect(await alert.innerText()).toMatch(/This needs a key[^]*code unauthorized[^]*request\s+[0-9a-f-]{36}/);
    await alert.getByRole('button', { name: 'Enter a key' }).click();
    await page.getByLabel('API key').fill(key);
    await page.keyboard.press('Enter');
    await page.getByText('Spent today').waitFor();
    expect(await page.getByRole('button', { name: 'Key set' }).isVisible()).toBe(true);
    const kept = await page.evaluate(() => ({ local: Object.keys(localStorage), cookie: document.cookie, address: location.href }));
    expect(kept).toEqual({ local: [], cookie: '', address: `${url}#/usage` });
    expect(asked.filter((address) => address.includes(key))).toEqual([]);
    await page.getByRole('button', { name: 'Key set' }).click();
    await page.getByRole('button', { name: 'Forget both' }).click();
    await page.getByText('This needs a key').first().waitFor();
    expect(await page.evaluate(() => sessionStorage.length)).toBe(0);
  });

  test('the playground answers an example of the pack, and the same text by two configs side by side', async () => {
    const { page } = await open('playground');
    await page
      .getByRole('group', { name: /Examples/ })
      .getByRole('button', { name: 'ships' })
      .click();
    expect(await page.getByLabel('Text', { exact: true }).inputValue()).toMatch(/\w+ \w+/);
    await page.getByRole('button', { name: 'Ask' }).click();
    const answers = page.getByRole('region', { name: 'Answers' });
    await answers.locator('.verdict').waitFor();
    const told = await answers.innerText();
    expect(told).toMatch(/by ships/);
    expect(told).toMatch(/Routed at the edge/);
    expect(told).toMatch(/Charged\s+0\.0001\d*.EUR/);
    expect(told).toMatch(/Request\s+[0-9a-f-]{36}/);
    expect(
      await answers
        .getByRole('list', { name: /Score of each expert/ })
        .getByRole('listitem')
        .first()
        .innerText(),
    ).toMatch(/ships\s*× 1\.00/);
    expect(await page.getByRole('status').innerText()).toMatch(/^ships: .*%$/);
    await page.getByLabel('Config', { exact: true }).selectOption({ index: 1 });
    await page.getByLabel('Side by side with').selectOption({ index: 2 });
    await page.getByLabel('Text', { exact: true }).press('Control+Enter');
    await answers.locator('.verdict').nth(1).waitFor();
    expect(await answers.locator('.answer-config code').evaluateAll((codes) => codes.map((code) => code.getAttribute('title')))).toEqual(
      configs,
    );
  });

  test('everything can be done by keyboard alone', async () => {
    const { page } = await open('playground');
    await page.getByText('Examples').first().waitFor();
    const focused = (): Promise<string> => page.evaluate(() => document.activeElement?.textContent ?? '');
    await page.keyboard.press('Tab');
    expect(await focused()).toBe('Skip to the content');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Tab');
    await page.keyboard.type(tinyText('birds', 3));
    await page.keyboard.press('Control+Enter');
    await page.locator('.verdict').waitFor();
    // One round through the page comes back to where it began: nothing holds the focus.
    const seen: string[] = [];
    for (let i = 0; i < 120 && seen.at(-1) !== 'Skip to the content'; i++) {
      await page.keyboard.press('Tab');
      seen.push(await focused());
    }
    expect(seen.at(-1)).toBe('Skip to the content');
    expect(seen).toEqual(expect.arrayContaining(['Ask', 'Copy']));
    for (let i = 0; i < 5; i++) await page.keyboard.press('Tab');
    expect(await focused()).toBe('Endpoints');
    const ring = await page.evaluate(() => getComputedStyle(document.activeElement ?? document.body).outlineStyle);
    expect(ring).toBe('solid');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Endpoints', level: 1 }).waitFor();
    expect(await focused()).toBe('Endpoints');
    expect(await page.evaluate(() => document.activeElement?.tagName)).toBe('H1');
  });

  test('an experiment is shown with its intervals, as pictures and as tables, and metrics are changed by arrow keys', async () => {
    const { page } = await open('experiments');
    await page.getByRole('link', { name: 'ranks' }).click();
    const arms = page.getByRole('region', { name: 'Arms' });
    await arms.waitFor();
    for (const arm of ARMS)
      expect(await arms.getByRole('row', { name: new RegExp(arm) }).innerText()).toMatch(new RegExp(`\\b${counts[arm]}\\b`));
    expect(await page.getByRole('img', { name: /^Latency/ }).count()).toBe(1);
    await page.getByText('As a table').first().click();
    expect(await page.getByRole('table', { name: 'Latency' }).getByRole('row').count()).toBeGreaterThanOrEqual(3);
    await page.getByRole('radio', { name: 'Latency' }).focus();
    await page.keyboard.press('ArrowRight');
    expect(await page.getByRole('img', { name: /^Errors/ }).count()).toBe(1);
    expect(await page.getByRole('region', { name: 'Decisions' }).innerText()).toMatch(/published/);
    expect(await page.getByRole('region', { name: 'Sample ratio' }).innerText()).toMatch(/as expected/);
  });

  test('endpoints are looked at again and again, but not while the page is hidden', async () => {
    const { page, asked } = await open('endpoints');
    await page.getByRole('region', { name: 'left' }).waitFor();
    expect(await page.getByRole('region', { name: 'left' }).innerText()).toMatch(/birds, ships/);
    const looks = (): number => asked.filter((address) => address.endsWith('/v1/endpoints')).length;
    await expect.poll(looks, { timeout: 10_000 }).toBeGreaterThan(1);
    const hide = (hidden: boolean): Promise<void> =>
      page.evaluate((value) => {
        Object.defineProperty(document, 'hidden', { configurable: true, get: () => value });
        document.dispatchEvent(new Event('visibilitychange'));
      }, hidden);
    await hide(true);
    await page.waitForTimeout(500);
    const before = looks();
    await page.waitForTimeout(3_000);
    expect(looks()).toBe(before);
    await hide(false);
    await expect.poll(looks, { timeout: 2_000 }).toBeGreaterThan(before);
  });

  test('the ledger lists what was asked, and the operator makes an account and a key that is shown once, works, and is revoked', async () => {
    const { id } = await ask({ text: tinyText('ships', 9) });
    const { page } = await open('usage');
    await page
      .getByRole('region', { name: 'Entries' })
      .getByRole('button', { name: `Copy request id ${id}` })
      .waitFor();
    await page.getByRole('link', { name: 'Accounts', exact: true }).click();
    await page.getByLabel('Name').fill('Customer');
    await page.getByRole('button', { name: 'Make the account' }).click();
    await page.getByRole('link', { name: 'Customer' }).click();
    await page.getByLabel('Amount').fill('5');
    await page.getByLabel('Payment').fill('invoice-1');
    await page.getByRole('button', { name: 'Pay in' }).click();
    await page.getByText('5.00', { exact: false }).first().waitFor();
    await page.getByRole('form', { name: 'New key' }).getByLabel('Name').fill('production');
    await page.getByRole('button', { name: 'Issue the key' }).click();
    const secret = await page.getByRole('dialog').locator('code').innerText();
    await page.getByRole('button', { name: 'I have it' }).click();
    expect((await page.content()).includes(secret)).toBe(false);
    expect((await post({ text: 'a' }, secret)).status).toBe(200);
    await page.getByRole('button', { name: 'Revoke production' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
    await page
      .getByRole('row', { name: /production/ })
      .getByText('revoked')
      .waitFor();
    expect((await post({ text: 'a' }, secret)).status).toBe(401);
    await page.getByRole('link', { name: 'Reconciliation' }).click();
    await page.getByText('no disagreement').waitFor();
  });

  test('what a config or an answer says is text, whatever it looks like', async () => {
    const evil = '<img src=x onerror="document.title=\'owned\'"><script>document.title="owned"</script>';
    const { page } = await open('playground', {
      async before(page) {
        await page.route('**/v1/predict', async (route) => {
          const answer = z.parse(Prediction, await (await route.fetch()).json());
          await route.fulfill({ json: { ...answer, task: 'birds', label: evil, scores: { [evil]: 0.9, other: 0.1 } } });
        });
        await page.route('**/v1/experts**', async (route) => {
          const answer = z.parse(z.looseObject({ experts: z.array(z.looseObject({})) }), await (await route.fetch()).json());
          await route.fulfill({ json: { ...answer, experts: answer.experts.map((expert) => ({ ...expert, labels: [evil] })) } });
        });
      },
    });
    await page.getByLabel('Text', { exact: true }).fill(evil);
    await page.getByRole('button', { name: 'Ask' }).click();
    await page.locator('.verdict').waitFor();
    expect(await page.locator('.verdict-label').innerText()).toBe(evil);
    await page.goto(`${url}#/experts`);
    await page.getByText(evil).first().waitFor();
    expect(await page.locator('main img, main script').count()).toBe(0);
    expect(await page.title()).toBe('Experts · twinroute');
  });

  test('an error names its code and the request, and offers another try', async () => {
    const { page } = await open('playground');
    await page.route('**/v1/predict', (route) => route.abort());
    await page.getByLabel('Text', { exact: true }).fill('a');
    await page.getByRole('button', { name: 'Ask' }).click();
    expect(await page.getByRole('alert').innerText()).toMatch(/could not be reached[^]*code network/);
    await page.unroute('**/v1/predict');
    const error = { code: 'unavailable', message: 'predict: expected a healthy endpoint, got none', request_id: 'r-17' };
    await page.route('**/v1/predict', (route) =>
      route.fulfill({ status: 503, headers: { 'retry-after': '7' }, json: z.parse(ErrorBody, { error }) }),
    );
    await page.getByRole('button', { name: 'Ask' }).click();
    await page.getByText('Try again in 7 s').waitFor();
    expect(await page.getByRole('alert').innerText()).toMatch(/Nobody can answer right now[^]*code unavailable[^]*request\s+r-17/);
  });

  test.each([
    ['light', { colorScheme: 'light', viewport: { width: 1280, height: 800 } }],
    ['dark', { colorScheme: 'dark', viewport: { width: 1280, height: 800 } }],
    ['phone', { colorScheme: 'light', viewport: { width: 360, height: 740 } }],
    ['dark phone', { colorScheme: 'dark', viewport: { width: 360, height: 740 } }],
  ] as const)('%s: axe finds nothing on any screen, nothing is wider than the window, nothing is asked elsewhere', async (_, options) => {
    const { page, asked, complaints } = await open('playground', { options });
    for (const [address, loaded] of Object.entries(SCREENS)) {
      await page.goto(`${url}#/${address}`);
      await page.locator('main').locator(loaded).first().waitFor();
      if (address === 'playground') await answerTwo(page);
      await page.evaluate(() => {
        for (const fold of document.querySelectorAll('details')) fold.open = true;
      });
      await page.evaluate(axe.source);
      const violations = await page.evaluate(findViolations, AXE);
      const beyond = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      expect({ address, violations, isWider: beyond > 0 }).toEqual({ address, violations: [], isWider: false });
    }
    expect(complaints).toEqual([]);
    expect(asked.filter((address) => !address.startsWith(url))).toEqual([]);
  });

  test('the theme follows the system until one is chosen, and is remembered', async () => {
    const { page } = await open('experts', { options: { colorScheme: 'dark' } });
    const background = (): Promise<string> => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
    const dark = await background();
    await page.getByRole('button', { name: /Theme/ }).click();
    const light = await background();
    expect(light).not.toBe(dark);
    await page.reload();
    expect(await background()).toBe(light);
  });
});

/** A page on a screen, with what it asked for and what it complained of. */
async function open(
  address: string,
  { credentials = true, options = {}, before }: { credentials?: boolean; options?: object; before?: (page: Page) => Promise<void> } = {},
): Promise<{ page: Page; asked: string[]; complaints: string[] }> {
  context = await browser.newContext({ reducedMotion: 'reduce', ...options });
  if (credentials)
    await context.addInitScript(
      ([k, secret]) => {
        sessionStorage.setItem('twinroute.key', k);
        sessionStorage.setItem('twinroute.secret', secret);
      },
      [key, ROOT] as const,
    );
  context.setDefaultTimeout(15_000);
  const page = await context.newPage();
  const asked: string[] = [];
  const complaints: string[] = [];
  page.on('request', (request) => asked.push(request.url()));
  page.on('pageerror', ({ message }) => complaints.push(message));
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  await before?.(page);
  await page.goto(`${url}#/${address}`);
  return { page, asked, complaints };
}

/** Both configs' answers to one text. */
async function answerTwo(page: Page): Promise<void> {
  await page.getByLabel('Text', { exact: true }).fill(tinyText('birds', 1));
  await page.getByLabel('Side by side with').selectOption({ index: 2 });
  await page.getByRole('button', { name: 'Ask' }).click();
  await page.locator('.verdict').nth(1).waitFor();
}

/** Runs in the page: rules that are broken, and where. */
async function findViolations(options: axe.RunOptions): Promise<readonly string[]> {
  const { violations } = await window.axe.run(document, options);
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 100)).join(' ')}`);
}

async function post(body: object, secret: string): Promise<Response> {
  return fetch(`${url}v1/predict`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${secret}` },
    body: JSON.stringify(body),
  });
}

async function ask(body: object): Promise<Prediction> {
  return z.parse(Prediction, await (await post(body, key)).json());
}

async function configOf(path: string): Promise<string> {
  const folder = await openFolder(path);
  try {
    return (await openPack(folder, createSha256)).manifest.config;
  } finally {
    await folder.close();
  }
}

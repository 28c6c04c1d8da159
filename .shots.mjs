import { chromium } from 'playwright-core';
import { readFileSync } from 'node:fs';
const log = readFileSync('/tmp/page/dev.log', 'utf8');
const key = /Bearer (tr_\w+)/.exec(log)[1];
const secret = 'page-admin-secret-'.repeat(3);
const url = 'http://127.0.0.1:8899/';
const only = process.argv[2];
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
const axe = readFileSync('node_modules/axe-core/axe.min.js', 'utf8');
const kinds = {
  light: { width: 1280, height: 860, scheme: 'light' },
  dark: { width: 1280, height: 860, scheme: 'dark' },
  phone: { width: 360, height: 760, scheme: 'light' },
};
for (const [kind, { width, height, scheme }] of Object.entries(kinds)) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: scheme, deviceScaleFactor: 1 });
  await context.addInitScript(
    ([k, s]) => {
      sessionStorage.setItem('twinroute.key', k);
      sessionStorage.setItem('twinroute.secret', s);
    },
    [key, secret],
  );
  const page = await context.newPage();
  page.on('console', (m) => {
    if (m.type() === 'error' || m.type() === 'warning') console.log(kind, 'console', m.text());
  });
  page.on('pageerror', (e) => console.log(kind, 'pageerror', e.message));
  const shots = {
    playground: async () => {
      await page.goto(url + '#/playground');
      await page.waitForSelector('.chip');
      await page.click('.chip >> text=emotion');
      await page.selectOption('select >> nth=1', { index: 2 });
      await page.selectOption('select >> nth=0', { index: 1 });
      await page.click('button.primary.wide');
      await page.waitForSelector('.verdict >> nth=1');
    },
    experts: async () => {
      await page.goto(url + '#/experts');
      await page.waitForSelector('table');
    },
    experiments: async () => {
      await page.goto(url + '#/experiments');
      await page.waitForSelector('.grid .card');
    },
    experiment: async () => {
      await page.goto(url + '#/experiments/rank-3');
      await page.waitForSelector('.tiles');
      await page.waitForTimeout(300);
    },
    endpoints: async () => {
      await page.goto(url + '#/endpoints');
      await page.waitForSelector('.endpoint-head');
      await page.waitForTimeout(2500);
    },
    ledger: async () => {
      await page.goto(url + '#/usage');
      await page.waitForSelector('.tiles');
    },
    accounts: async () => {
      await page.goto(url + '#/usage/accounts');
      await page.waitForSelector('table');
    },
    account: async () => {
      await page.click('table a');
      await page.waitForSelector('.tiles');
      await page.waitForSelector('table');
    },
    books: async () => {
      await page.goto(url + '#/usage/books');
      await page.waitForSelector('.badge');
    },
    dialog: async () => {
      await page.click('.top-end button >> nth=1');
      await page.waitForSelector('dialog');
    },
  };
  for (const [name, go] of Object.entries(shots)) {
    if (only && !only.split(',').includes(name)) continue;
    try {
      await go();
      await page.waitForTimeout(450);
      await page.screenshot({ path: `/tmp/page/shots/${name}-${kind}.png`, fullPage: name !== 'dialog' });
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      await page.evaluate(axe);
      const { violations } = await page.evaluate(() =>
        window.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }),
      );
      console.log(
        kind,
        name,
        'overflow',
        wide,
        violations.map(
          (v) =>
            v.id +
            ': ' +
            v.nodes
              .slice(0, 3)
              .map(
                (n) =>
                  n.html.slice(0, 120) +
                  ' ' +
                  n.any
                    .map((a) => a.message)
                    .join('|')
                    .slice(0, 160),
              )
              .join(' ;; '),
        ),
      );
    } catch (e) {
      console.log(kind, name, 'FAILED', e.message.split('\n').slice(0, 3).join(' '));
      await page.screenshot({ path: `/tmp/page/shots/${name}-${kind}.png` });
    }
  }
  await context.close();
}
await browser.close();

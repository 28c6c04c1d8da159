import { expect, test } from 'vitest';
import { createPaidHarness } from './accounts/harness.ts';
import { html, Html } from '../../src/edge/docs/html.ts';
import { docsPage } from '../../src/edge/docs/page.ts';
import { createHarness } from './helpers/harness.ts';

async function read() {
  const { app } = createPaidHarness();
  const response = await app.request('http://edge.test/docs');
  return { app, response, page: await response.text() };
}

test('the page shows every operation and every schema, and its links lead somewhere', async () => {
  const { app, response, page } = await read();
  expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
  const ids = new Set(Array.from(page.matchAll(/ id="([^"]+)"/g), ([, id]) => id));
  for (const { method, path } of app.routes)
    if (method !== 'ALL' && !path.endsWith('*')) expect(page).toContain(`<code>${path.replaceAll(/:(\w+)/g, '{$1}')}</code>`);
  const links = Array.from(page.matchAll(/href="#([^"]+)"/g), ([, id]) => id);
  expect(links.length).toBeGreaterThan(60);
  for (const link of links) expect(ids).toContain(link);
  for (const label of page.matchAll(/aria-labelledby="([^"]+)"/g)) expect(ids).toContain(label[1]);
});

test('it needs no script, and nothing from elsewhere: its policy allows its own style and nothing else', async () => {
  const { response, page } = await read();
  expect(page).not.toMatch(/<script|<img|<link|@import|url\(|\son\w+="/i);
  expect(Array.from(page.matchAll(/(?:href|src)="([^"#][^"]*)"/g), ([, target]) => target)).toEqual(['/openapi.json']);
  const policy = response.headers.get('content-security-policy') ?? '';
  const style = /<style>([\s\S]*?)<\/style>/.exec(page)?.[1] ?? '';
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(style)));
  expect(policy).toContain(`default-src 'none'; style-src 'sha256-${btoa(String.fromCharCode(...hash))}';`);
});

test('lines to try name the deployment, and quote what a shell would read', async () => {
  const { page } = await read();
  expect(page).toContain(`curl -s -X POST &#39;http://edge.test/v1/predict&#39;`);
  expect(page).toContain('authorization: Bearer KEY');
  expect(page).toContain('authorization: Bearer ROOT_SECRET');
});

test('whatever the document says is text', async () => {
  const { app } = createHarness();
  const document = JSON.parse(await (await app.request('/openapi.json')).text());
  document.info.title = '<script>alert(1)</script>';
  expect(docsPage(document, 'http://x" onload="y')).not.toMatch(/<script|\sonload="/);
  expect(html`<p title="${'"'}">${'<b>&'}${undefined}${[html`<i>`, 'a<']}${new Html('<hr>')}</p>`.text).toBe(
    '<p title="&quot;">&lt;b&gt;&amp;<i>a&lt;<hr></p>',
  );
});

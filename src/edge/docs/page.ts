// The documentation page: the OpenAPI document as HTML, whole in one answer. No script, and nothing from elsewhere.

import type { OpenApiDocument, Operation } from '../openapi/types.ts';
import { html, Html } from './html.ts';
import { operationView } from './operation-view.ts';
import { fieldsOf } from './schema-view.ts';
import { STYLE } from './style.ts';
import { tableView } from './table-view.ts';

/** The page. @param origin of the deployment, for the lines to try */
export function docsPage({ info, tags, paths, components }: OpenApiDocument, origin: string): string {
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  );
  const of = (tag: string) => operations.filter(({ operation }) => operation.tags[0] === tag);
  const schemas = Object.entries(components.schemas).sort(([a], [b]) => a.localeCompare(b));
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${info.title}: interface</title>
        ${new Html(`<style>${STYLE}</style>`)}
      </head>
      <body>
        <a class="skip" href="#main">To the content</a>
        <div class="page">
          <nav aria-label="Contents">
            ${tags.map(
              ({ name }) =>
                html`<h2>${name}</h2>
                  <ul>
                    ${of(name).map(navItem)}
                  </ul>`,
            )}
            <h2>Reference</h2>
            <ul>
              <li><a href="#headers">Headers of answers</a></li>
              <li><a href="#schemas">Schemas</a></li>
            </ul>
          </nav>
          <main id="main">
            <h1>${info.title}</h1>
            <p>${info.description}</p>
            <p>
              The same as a machine reads it: <a href="/openapi.json">/openapi.json</a> (OpenAPI 3.1). Every answer has an
              <code>x-request-id</code>; every error is a <a href="#schema-ErrorBody">ErrorBody</a> with a literal code.
            </p>
            ${tags.map(
              ({ name, description }) =>
                html`<h2>${name}</h2>
                  <p>${description}.</p>
                  ${of(name).map(({ path, method, operation }) => operationView(operation, { path, method, origin }))}`,
            )}
            <h2 id="headers">Headers of answers</h2>
            ${tableView(
              ['Name', 'What it says'],
              Object.entries(components.headers).map(
                ([name, { description }]) =>
                  html`<tr>
                    <td><code>${name}</code></td>
                    <td>${description}</td>
                  </tr>`,
              ),
            )}
            <h2 id="schemas">Schemas</h2>
            ${schemas.map(
              ([name, schema]) =>
                html`<section aria-labelledby="schema-${name}">
                  <h3 id="schema-${name}">${name}</h3>
                  ${schema.description === undefined ? undefined : html`<p>${schema.description}</p>`}${fieldsOf(schema)}
                </section>`,
            )}
          </main>
        </div>
      </body>
    </html> `;
  return page.text;
}

function navItem({ path, method, operation }: { readonly path: string; readonly method: string; readonly operation: Operation }): Html {
  return html`<li>
    <a href="#${operation.operationId}"><span class="method ${method}">${method}</span> ${path}</a>
  </li>`;
}

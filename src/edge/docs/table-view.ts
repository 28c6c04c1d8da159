// A table that scrolls by itself where the page is too narrow for it.

import { html, type Html } from './html.ts';

/** Rows under column titles. */
export function tableView(columns: readonly string[], rows: readonly Html[]): Html {
  return html`<div class="scroll">
    <table>
      <thead>
        <tr>
          ${columns.map((title) => html`<th scope="col">${title}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows}
      </tbody>
    </table>
  </div>`;
}

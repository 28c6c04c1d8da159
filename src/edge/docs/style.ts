// The documentation page's style: both themes, any width, no font from elsewhere.

/** CSS. */
export const STYLE = `
:root { color-scheme: light dark; --ink: light-dark(#1b1f24, #e4e8ec); --dim: light-dark(#57606a, #9aa5b1); --line: light-dark(#d5dae0, #343b44);
  --ground: light-dark(#ffffff, #14181d); --code: light-dark(#f4f6f8, #1c2229); --link: light-dark(#0b5cad, #7cb8f2);
  --get: light-dark(#0a6b3d, #6fcf97); --post: light-dark(#0b5cad, #7cb8f2); --other: light-dark(#8a4b00, #f0b46c); }
* { box-sizing: border-box; }
body { margin: 0; font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--ground); }
a { color: var(--link); }
:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
.skip { position: absolute; left: -999px; }
.skip:focus { left: 8px; top: 8px; background: var(--ground); padding: 8px; }
.page { display: grid; grid-template-columns: 17rem minmax(0, 1fr); gap: 0 2.5rem; max-width: 82rem; margin: 0 auto; padding: 0 1.25rem 4rem; }
nav { position: sticky; top: 0; align-self: start; max-height: 100vh; overflow: auto; padding: 1.5rem 0; font-size: 0.875rem; }
nav ul { list-style: none; margin: 0 0 1rem; padding: 0; }
nav h2 { font-size: 0.875rem; margin: 0 0 0.25rem; }
nav a { display: block; padding: 0.15rem 0; text-decoration: none; overflow-wrap: anywhere; }
nav a:hover { text-decoration: underline; }
main { padding: 1.5rem 0; min-width: 0; }
h1 { font-size: 1.75rem; margin: 0 0 0.5rem; }
h2 { margin: 2.5rem 0 0.5rem; border-bottom: 1px solid var(--line); padding-bottom: 0.25rem; }
h3 { margin: 2rem 0 0.25rem; font-size: 1.05rem; overflow-wrap: anywhere; }
h4 { margin: 1rem 0 0.25rem; font-size: 0.9rem; }
code, pre { font: 0.85rem/1.45 ui-monospace, monospace; }
code { background: var(--code); padding: 0.05rem 0.3rem; border-radius: 4px; overflow-wrap: anywhere; }
pre { background: var(--code); padding: 0.75rem 1rem; border-radius: 6px; overflow: auto; margin: 0.25rem 0 0.75rem; }
pre code { padding: 0; background: none; overflow-wrap: normal; }
.method { font: 600 0.8rem ui-monospace, monospace; text-transform: uppercase; color: var(--other); }
.get { color: var(--get); } .post { color: var(--post); }
.dim { color: var(--dim); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 0.9rem; }
th, td { text-align: left; vertical-align: top; padding: 0.3rem 0.75rem 0.3rem 0; border-bottom: 1px solid var(--line); }
details { margin: 0.5rem 0; } summary { cursor: pointer; }
@media (max-width: 52rem) { .page { display: block; } nav { position: static; max-height: none; padding-bottom: 0; } }
`;

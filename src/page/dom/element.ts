// Elements from data. Text becomes text nodes and values become attributes: there is no way here to turn a string into HTML.

/** What may stand inside an element; `false` and its like stand for nothing. */
export type Child = Node | string | number | false | null | undefined;

/** Attributes by name: `true` sets an empty one, `false` and undefined leave it out. */
export type Attributes = Readonly<Record<string, string | number | boolean | undefined>>;

/** An HTML element. Handlers are added by `on`, never as attributes. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  fill(element, attributes, children);
  return element;
}

/** An SVG element. */
export function s<K extends keyof SVGElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: readonly Child[]
): SVGElementTagNameMap[K] {
  const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
  fill(element, attributes, children);
  return element;
}

/** The element, which calls `handler` on each such event. */
export function on<E extends HTMLElement, K extends keyof HTMLElementEventMap>(
  element: E,
  event: K,
  handler: (event: HTMLElementEventMap[K]) => void,
): E {
  element.addEventListener(event, handler);
  return element;
}

/** The element with custom properties for its style; inline style attributes are refused by the page's policy. */
export function vars<E extends HTMLElement>(element: E, values: Readonly<Record<`--${string}`, string | number>>): E {
  for (const [name, value] of Object.entries(values)) element.style.setProperty(name, String(value));
  return element;
}

function fill(element: Element, attributes: Attributes, children: readonly Child[]): void {
  for (const [name, value] of Object.entries(attributes))
    if (value !== undefined && value !== false) element.setAttribute(name, value === true ? '' : String(value));
  for (const child of children) {
    if (child === null || child === undefined || child === false) continue;
    element.append(child instanceof Node ? child : String(child));
  }
}

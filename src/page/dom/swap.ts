// New content in the place of old, without losing where the reader was: what was unfolded stays so, and focus stays on what reads the same.

const FOCUSABLE = 'a[href], button, input, select, textarea, summary, [tabindex]';

/** Replaces what is in `place`. */
export function swap(place: Element, ...nodes: readonly (Node | string)[]): void {
  const unfolded = [...place.querySelectorAll('details[id][open]')].map(({ id }) => id);
  const focused = [...place.querySelectorAll(FOCUSABLE)].findIndex((element) => element === document.activeElement);
  const before = document.activeElement;
  place.replaceChildren(...nodes);
  for (const id of unfolded) place.querySelector(`details[id="${CSS.escape(id)}"]`)?.setAttribute('open', '');
  if (focused < 0) return;
  const again = place.querySelectorAll(FOCUSABLE)[focused];
  const isSame = again instanceof HTMLElement && again.tagName === before?.tagName && again.textContent === before.textContent;
  if (isSame) again.focus({ preventScroll: true });
}

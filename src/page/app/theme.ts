// Light, dark, or as the system has it.

/** What may be chosen. */
export const THEMES = ['system', 'light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];

const PLACE = 'twinroute.theme';

/** What was chosen in this browser. */
export function readTheme(storage: Storage): Theme {
  const kept = storage.getItem(PLACE);
  return THEMES.find((theme) => theme === kept) ?? 'system';
}

/** Shows a theme. */
export function showTheme(theme: Theme): void {
  document.documentElement.dataset['theme'] = theme;
}

/** Shows a theme and remembers it. */
export function chooseTheme(storage: Storage, theme: Theme): void {
  storage.setItem(PLACE, theme);
  showTheme(theme);
}

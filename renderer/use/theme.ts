import { computed, ref, watchEffect } from 'vue';

export const themeChoices = ['system', 'light', 'dark', 'sunlight'] as const;
export type ThemeChoice = (typeof themeChoices)[number];

/** The script in index.html reads the same place before the first paint. */
const storageKey = 'fieldgate.theme';

const systemIsDark = matchMedia('(prefers-color-scheme: dark)');
const systemTheme = ref(systemIsDark.matches ? 'dark' : 'light');
systemIsDark.addEventListener('change', ({ matches }) => (systemTheme.value = matches ? 'dark' : 'light'));

const choice = ref<ThemeChoice>(stored());
/** What sunlight was switched on from, so that the same keys lead back. */
let beforeSunlight: ThemeChoice = choice.value === 'sunlight' ? 'system' : choice.value;

watchEffect(() => {
  document.documentElement.dataset.theme = choice.value === 'system' ? systemTheme.value : choice.value;
});

export function useTheme() {
  return { choice: computed(() => choice.value), choose, toggleSunlight };
}

function choose(to: ThemeChoice): void {
  if (to !== 'sunlight') beforeSunlight = to;
  choice.value = to;
  try {
    localStorage.setItem(storageKey, to);
  } catch {
    // A browser that keeps nothing still shows the theme until it is closed.
  }
}

function toggleSunlight(): void {
  choose(choice.value === 'sunlight' ? beforeSunlight : 'sunlight');
}

function stored(): ThemeChoice {
  try {
    const text = localStorage.getItem(storageKey);
    return themeChoices.find(name => name === text) ?? 'system';
  } catch {
    return 'system';
  }
}

import { AxeBuilder } from '@axe-core/playwright';
import { test as base, expect, type Page } from '@playwright/test';
import { Dashboard } from './dashboard.ts';
import { sites } from './sites.ts';

/** A page of the dashboard, from wherever it is served. */
export const test = base.extend<{ dashboard: Dashboard; siteName: keyof typeof sites }>({
  siteName: ['small', { option: true }],
  dashboard: async ({ siteName }, use) => {
    const dashboard = new Dashboard(sites[siteName]());
    await dashboard.start();
    await use(dashboard);
    await dashboard.stop();
  },
  // What a page complains of in its console fails the test, the content security policy's refusals among it.
  page: async ({ page }, use) => {
    const complaints: string[] = [];
    page.on('pageerror', error => complaints.push(error.message));
    page.on('console', message => {
      // A connection that ends is what some tests are about, and the browser tells of each by itself.
      const isNetwork = /WebSocket connection|Failed to load resource/.test(message.text());
      if (message.type() === 'error' && !isNetwork) complaints.push(message.text());
    });
    await use(page);
    expect(complaints).toEqual([]);
  },
});

export { expect };

/** Opens a link with its token and waits until the page shows what the gateway says. */
export async function openLink(page: Page, link: string): Promise<void> {
  await page.goto(link);
  await expect(page.getByRole('region', { name: 'Figures' })).toBeVisible();
}

/** As the choice in the menu, kept by the browser. Takes effect with the next load. */
export async function chooseTheme(page: Page, theme: 'light' | 'dark' | 'sunlight' | 'system'): Promise<void> {
  await page.addInitScript(`localStorage.setItem('fieldgate.theme', '${theme}')`);
}

export async function expectNoBarriers(page: Page): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map(node => node.target.join(' ')).join(', ')}`)).toEqual(
    [],
  );
}

export async function expectNoSidewaysScroll(page: Page): Promise<void> {
  const widths = await page.evaluate<[number, number][]>(
    `[document.documentElement, document.getElementById('main')].map(e => [e.scrollWidth, e.clientWidth])`,
  );
  for (const [content, room] of widths) expect(content).toBeLessThanOrEqual(room);
}

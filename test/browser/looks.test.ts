import { chooseTheme, expect, expectNoBarriers, expectNoSidewaysScroll, openLink, test } from './fixtures.ts';
import { sites } from './sites.ts';

const surface = `getComputedStyle(document.documentElement).getPropertyValue('--c-surface').trim()`;

test.describe('themes', () => {
  test('a choice from the menu takes effect, is kept, and is there before the first paint', async ({
    page,
    dashboard,
  }) => {
    await openLink(page, dashboard.newLink());
    await page.getByRole('button', { name: 'Theme' }).click();
    await page.getByRole('menuitemradio', { name: 'Dark', exact: true }).click();
    await expect(page.locator('html')).toHaveAttribute('data-theme', 'dark');
    expect(await page.evaluate<string>(surface)).toBe('#14171a');
    await page.route('**/assets/*.js', route => route.abort());
    await page.reload();
    await expect(page.locator('html')).toHaveAttribute('data-theme', 'dark');
  });

  test('without a choice the page follows the system', async ({ page, dashboard }) => {
    await page.emulateMedia({ colorScheme: 'dark' });
    await openLink(page, dashboard.newLink());
    await expect(page.locator('html')).toHaveAttribute('data-theme', 'dark');
    await page.emulateMedia({ colorScheme: 'light' });
    await expect(page.locator('html')).toHaveAttribute('data-theme', 'light');
  });

  test('Alt Shift S turns sunlight on, and back to what it was', async ({ page, dashboard }) => {
    await chooseTheme(page, 'dark');
    await openLink(page, dashboard.newLink());
    await page.keyboard.press('Alt+Shift+S');
    await expect(page.locator('html')).toHaveAttribute('data-theme', 'sunlight');
    await page.keyboard.press('Alt+Shift+S');
    await expect(page.locator('html')).toHaveAttribute('data-theme', 'dark');
  });
});

test.describe('by keyboard', () => {
  test('the first stop skips to the content', async ({ page, dashboard }) => {
    await openLink(page, dashboard.newLink());
    await page.keyboard.press('Tab');
    await expect(page.getByRole('link', { name: 'Skip to content' })).toBeFocused();
    await page.keyboard.press('Enter');
    await expect(page.locator('#main')).toBeFocused();
  });

  test('the theme menu opens on the choice that holds, moves with the arrows, and gives the focus back', async ({
    page,
    dashboard,
  }) => {
    await chooseTheme(page, 'light');
    await openLink(page, dashboard.newLink());
    const button = page.getByRole('button', { name: 'Theme' });
    await button.focus();
    await page.keyboard.press('Enter');
    await expect(page.getByRole('menuitemradio', { name: 'Light', exact: true })).toBeFocused();
    await page.keyboard.press('ArrowDown');
    await expect(page.getByRole('menuitemradio', { name: 'Dark', exact: true })).toBeFocused();
    await page.keyboard.press('Escape');
    await expect(page.getByRole('menu')).toHaveCount(0);
    await expect(button).toBeFocused();
  });
});

test('the lab is named at the top of the window and in its title', async ({ page, dashboard }) => {
  await openLink(page, dashboard.newLink());
  await expect(page.getByText('Simulated server and keys. Nothing here reaches an operator.')).toBeVisible();
  await expect(page).toHaveTitle('LAB · Overview · Lab bench · Fieldgate');
});

for (const siteName of ['empty', 'small', 'large'] satisfies (keyof typeof sites)[]) {
  test.describe(`the ${siteName} site`, () => {
    test.use({ siteName });
    for (const theme of ['light', 'dark', 'sunlight'] as const) {
      test(`has no barrier in ${theme}, on the desk and on the phone`, async ({ page, dashboard }) => {
        await chooseTheme(page, theme);
        await openLink(page, dashboard.newLink());
        await expect(page.locator('html')).toHaveAttribute('data-theme', theme);
        await expectNoBarriers(page);
        await page.setViewportSize({ width: 390, height: 844 });
        await expectNoBarriers(page);
      });
    }

    test('scrolls sideways at no width', async ({ page, dashboard }) => {
      for (const theme of ['light', 'sunlight'] as const) {
        await chooseTheme(page, theme);
        await openLink(page, dashboard.newLink());
        for (const width of [320, 390, 641, 820, 1101, 1440]) {
          await page.setViewportSize({ width, height: 844 });
          await expectNoSidewaysScroll(page);
        }
      }
    });
  });
}

test.describe('a site of 240', () => {
  test.use({ siteName: 'large' });

  test('shows one mark a device, with what needs somebody first', async ({ page, dashboard }) => {
    await openLink(page, dashboard.newLink());
    const map = page.getByRole('img', { name: /^Topology: 240 devices on 3 links/ });
    await expect(map).toBeVisible();
    await expect(map.locator('.d-fail')).toHaveCount(9 + 1); // with the legend's
    await expect(page.locator('#site')).toContainText('and 40 more');
    await expect(page.locator('#needs-you')).toContainText('Link tanks is not open');
  });

  test('says the same as a list', async ({ page, dashboard }) => {
    await openLink(page, dashboard.newLink());
    await page.getByRole('button', { name: 'List' }).click();
    await expect(page.getByRole('button', { name: 'List' })).toHaveAttribute('aria-pressed', 'true');
    await expect(page.locator('#site li', { hasText: 'tanks' })).toContainText('9 devices on /dev/serial/by-id');
    await expect(page.locator('#site li', { hasText: 'tanks' })).toContainText('Broken');
  });
});

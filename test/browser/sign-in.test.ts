import { expect, openLink, test } from './fixtures.ts';

test('the link opens the dashboard, without the token in the address, and a reload works', async ({
  page,
  dashboard,
}) => {
  await openLink(page, dashboard.newLink());
  expect(page.url()).toBe(dashboard.url);
  await page.reload();
  await expect(page.getByRole('heading', { name: 'Overview', level: 1 })).toBeVisible();
  await expect(page.locator('#devices').getByText('lab-meter')).toBeVisible();
});

test('the same link in another browser says that it was used, and how to get a new one', async ({
  page,
  browser,
  dashboard,
}) => {
  const link = dashboard.newLink();
  await openLink(page, link);
  const other = await browser.newContext();
  const stranger = await other.newPage();
  const response = await stranger.goto(link);
  expect(response?.status()).toBe(401);
  await expect(stranger.getByRole('heading', { name: 'This link was used already' })).toBeVisible();
  await expect(stranger.getByText('it prints a new link')).toBeVisible();
  await other.close();
});

test('without a link there is a page that says what to do', async ({ page, dashboard }) => {
  const response = await page.goto(dashboard.url);
  expect(response?.status()).toBe(401);
  await expect(page.getByRole('heading', { name: 'This browser is not signed in' })).toBeVisible();
});

test('no script can read the cookie', async ({ page, dashboard }) => {
  await openLink(page, dashboard.newLink());
  expect(await page.evaluate<string>('document.cookie')).toBe('');
});

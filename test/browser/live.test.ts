import { GatewayError } from '../../gateway/base/errors.ts';
import { expect, openLink, test } from './fixtures.ts';

test('what happens at the gateway shows without a reload', async ({ page, dashboard }) => {
  const { source } = dashboard;
  await openLink(page, dashboard.newLink());
  const messages = page.locator('#messages');
  const rowId = source.addMessage({ appId: 'metering', state: 'queued', body: '{"payload":"19.01 kWh"}' });
  await expect(messages.getByText('19.01 kWh')).toBeVisible();
  await expect(messages.locator('li').first()).toContainText('Queued');
  source.setMessage(rowId, { state: 'delivered' });
  await expect(messages.locator('li').first()).toContainText('Delivered');

  source.addEvent({
    action: 'device.refused',
    object: 'device:ffffff/unknown',
    result: 'refused',
    reason: 'NOT_AUTHORIZED',
    count: 3,
  });
  await expect(page.locator('#events li').first()).toContainText(
    'ffffff/unknown was refused, NOT_AUTHORIZED · 3 times',
  );

  source.queueUp = 1_204;
  await expect(page.locator('#figures')).toContainText('1\u202f204');
});

test('a session that is lost is told with its reason and what to do, and its return takes that back', async ({
  page,
  dashboard,
}) => {
  await openLink(page, dashboard.newLink());
  await expect(page.locator('#needs-you')).toContainText('Nothing needs you');
  dashboard.source.setSession({
    state: 'lost',
    nextTryAtMs: dashboard.source.clock.wallMs() + 60_000,
    reason: {
      code: 'dtls.peer-silent',
      message: 'the server did not answer within 93 s',
      hint: 'look at the way to 198.51.100.7:5684',
    },
  });
  const needs = page.locator('#needs-you');
  await expect(needs).toContainText('The session with the server is not up');
  await expect(needs).toContainText('The server did not answer within 93 s.');
  await expect(needs).toContainText('Look at the way to 198.51.100.7:5684.');
  await expect(needs).toContainText('dtls.peer-silent');
  await expect(page.getByRole('status')).toHaveText('Session: Lost.');
  dashboard.source.setSession({ state: 'up', nextTryAtMs: undefined, reason: undefined });
  await expect(needs).toContainText('Nothing needs you');
});

test('a disk that is full is told as what it is: nothing new is acknowledged, nothing is lost', async ({
  page,
  dashboard,
}) => {
  await openLink(page, dashboard.newLink());
  dashboard.source.readFailure = new GatewayError('store.io', 'cannot read');
  dashboard.source.setStore({
    state: 'failed',
    reason: { code: 'store.disk-full', message: 'the disk is full', hint: 'free 200 MB' },
  });
  const needs = page.locator('#needs-you');
  await expect(needs).toContainText('The gateway cannot write to its disk');
  await expect(needs).toContainText('Nothing new is acknowledged, so nothing is lost.');
  await expect(page.getByRole('alert')).toContainText('The gateway cannot write to its disk');
  await expect(page.locator('#devices').getByText('lab-meter')).toBeVisible();
});

test('a list under the pointer keeps its order and counts what is newer', async ({ page, dashboard }) => {
  await openLink(page, dashboard.newLink());
  const messages = page.locator('#messages');
  await messages.locator('li').first().hover();
  dashboard.source.addMessage({ appId: 'metering', body: '{"payload":"the newest"}' });
  await expect(messages.locator('header')).toContainText('1 newer');
  await expect(messages.locator('li').first()).toContainText('open 40 %');
  await page.mouse.move(2, 2);
  await expect(messages.locator('li').first()).toContainText('the newest');
});

test('a gateway that goes away greys the page with its age, and its return brings it back', async ({
  page,
  dashboard,
}) => {
  await openLink(page, dashboard.newLink());
  await dashboard.stop();
  await expect(page.getByText(/No contact with the gateway for \d+\u00a0s, trying again/).first()).toBeVisible();
  await expect(page.locator('main.stale')).toBeVisible();
  await expect(page.locator('#devices').getByText('lab-meter')).toBeVisible();
  dashboard.source.setDevice({ layer2Id: '000003', appId: 'pump', name: 'lab-pump' });
  await dashboard.start();
  await expect(page.locator('#devices').getByText('lab-pump')).toBeVisible();
  await expect(page.locator('main.stale')).toHaveCount(0);
  await expect(page.getByRole('status')).toHaveText('The gateway answers again.');
});

test('a gateway that was started anew does not know the browser, and the page says how to go on', async ({
  page,
  context,
  dashboard,
}) => {
  await openLink(page, dashboard.newLink());
  await dashboard.stop();
  dashboard.forgetBrowsers();
  await dashboard.start();
  await expect(page.getByRole('heading', { name: 'This browser is not signed in any more' })).toBeVisible();
  const fresh = await context.newPage();
  await openLink(fresh, dashboard.newLink());
  await page.bringToFront();
  await page.evaluate(`document.dispatchEvent(new Event('visibilitychange'))`);
  await expect(page.locator('#devices').getByText('lab-meter')).toBeVisible();
});

import { startProgram, temporaryFolder, type Program } from '../flow/program.ts';
import { expect, expectNoBarriers, openLink, test } from './fixtures.ts';

// The whole program as `npm start -- --headless` runs it: gateway, lab, devices and page.
let program: Program;
const folder = temporaryFolder();

test.beforeAll(async () => {
  const addresses = ['--listen', '127.0.0.1:0', '--device-listen', '127.0.0.1:0'];
  program = await startProgram([
    'bin/fieldgate.mjs',
    'run',
    '--lab',
    '--headless',
    '--data',
    folder.path,
    ...addresses,
  ]);
});

test.afterAll(async () => {
  await program?.stop();
  folder.remove();
});

test('two devices registered, the session up, and messages both ways, without a click', async ({ page }) => {
  const link = program.firstLine.replace('Fieldgate is ready: ', '');
  await openLink(page, link);
  await expect(page.getByText('Simulated server and keys')).toBeVisible();
  const figures = page.getByRole('region', { name: 'Figures' });
  await expect(figures).toContainText(/2\s*of 2/, { timeout: 20_000 });
  const messages = page.locator('section, .card', { has: page.getByRole('heading', { name: 'Last messages' }) }).last();
  // A reading of a device with the server's report, and a command of the server.
  await expect(messages.getByText('Delivered').first()).toBeVisible({ timeout: 30_000 });
  await expect(messages.getByText('reading').first()).toBeVisible();
  await expect(messages.getByText('REPT_DELY_SUCCESS').first()).toBeVisible({ timeout: 30_000 });
  await expect(figures.getByText('Lost after acknowledging').locator('..')).toContainText('0');
  await expectNoBarriers(page);

  await page.reload();
  await expect(figures).toContainText(/2\s*of 2/);
  expect(new URL(page.url()).search).toBe('');
});

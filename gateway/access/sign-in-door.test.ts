import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { askForLink, openSignInDoor } from './sign-in-door.ts';

const folder = mkdtempSync(join(tmpdir(), 'fieldgate-door-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('every question gets a link of its own', async () => {
  let count = 0;
  const close = await openSignInDoor(folder, () => `http://127.0.0.1:1/?token=${++count}`);
  expect(await askForLink(folder)).toBe('http://127.0.0.1:1/?token=1');
  expect(await askForLink(folder)).toBe('http://127.0.0.1:1/?token=2');
  await close();
});

test('nobody but the owner of the data may ask', async () => {
  const close = await openSignInDoor(folder, () => 'x');
  expect(statSync(join(folder, 'sign-in.sock')).mode & 0o077).toBe(0);
  await close();
});

test('what a crash left in its place does not keep it closed', async () => {
  writeFileSync(join(folder, 'sign-in.sock'), '');
  const close = await openSignInDoor(folder, () => 'after a crash');
  expect(await askForLink(folder)).toBe('after a crash');
  await close();
});

test('where no gateway runs the sentence says so', async () => {
  await expect(askForLink(folder)).rejects.toMatchObject({
    code: 'access.no-gateway',
    hint: expect.stringContaining('--data'),
  });
});

import { expect, test } from 'vitest';
import { helpText, parseOptions } from './options.ts';

test('no arguments run the gateway on the data directory of the user', () => {
  expect(parseOptions([], { XDG_DATA_HOME: '/d' })).toMatchObject({
    command: 'run',
    dataDirectory: '/d/fieldgate',
    lab: false,
  });
});

test('the lab keeps its data apart from real data', () => {
  expect(parseOptions(['run', '--lab'], { XDG_DATA_HOME: '/d' })).toMatchObject({
    lab: true,
    dataDirectory: '/d/fieldgate-lab',
  });
});

test('every option reaches its place', () => {
  const args = [
    'run',
    '--data',
    '/x',
    '--config',
    'c.json',
    '--listen',
    '[::1]:0',
    '--device-listen',
    '127.0.0.1:0',
    '--headless',
  ];
  expect(parseOptions(args)).toEqual({
    command: 'run',
    dataDirectory: '/x',
    configFile: 'c.json',
    listen: '[::1]:0',
    deviceListen: '127.0.0.1:0',
    lab: false,
    headless: true,
  });
});

test('--help and --version win over the command', () => {
  expect(parseOptions(['run', '--help']).command).toBe('help');
  expect(parseOptions(['doctor', '--version']).command).toBe('version');
});

test.each([
  [['walk'], 'there is no command "walk"'],
  [['constructor'], 'there is no command "constructor"'],
  [['run', 'doctor'], 'one command at a time'],
  [['--port', '1'], '--port'],
  [['--data'], '--data'],
])('%j is refused with its reason and the way to the help', (args, words) => {
  expect(() => parseOptions(args)).toThrow(
    expect.objectContaining({ code: 'options.invalid', hint: expect.stringContaining('--help') }),
  );
  expect(() => parseOptions(args)).toThrow(words);
});

test('the help names every command and option', () => {
  for (const word of [
    'run',
    'lab',
    'doctor',
    '--data DIR',
    '--config FILE',
    '--listen HOST:PORT',
    '--device-listen',
    '--headless',
    '--version',
  ])
    expect(helpText()).toContain(word);
});

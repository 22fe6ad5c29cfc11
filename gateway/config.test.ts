import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, expect, test } from 'vitest';
import { parseConfig, readConfig } from './config.ts';

const folder = mkdtempSync(join(tmpdir(), 'fieldgate-config-'));
afterAll(() => rmSync(folder, { recursive: true }));

const device = { name: 'meter', layer2Id: 'a1b2c3', appId: 'metering', credential: 'c' };
const server = { host: 's', fqdn: 'msgin5g.example.com' };

test('an empty document is a whole configuration', () => {
  expect(parseConfig({}, 'test')).toMatchObject({
    listen: '127.0.0.1:7420',
    deviceListen: '127.0.0.1:5683',
    devices: [],
    serial: [],
  });
});

test('the profile stands in for what the specifications leave open', () => {
  const config = parseConfig({ ueServiceId: 'ue-1', server, akma: { keyFile: 'k' } }, 'test');
  expect(config.server).toMatchObject({ port: 5684, uriPath: ['msgin5g'], serviceId: 'msgin5g' });
  expect(config.akma).toMatchObject({
    uaStarId: 'auto',
    pskIdentityPrefix: '3GPP-AKMA',
    pskIdentitySeparator: '',
    suites: ['CCAC', 'C0A8', '00A8'],
  });
});

test.each([
  [{ liste: 'x' }, 'liste'],
  [{ listen: '127.0.0.1' }, 'listen: is not HOST:PORT'],
  [{ devices: [{ ...device, credential: '' }] }, 'devices.0.credential'],
  [{ devices: [device, device] }, 'a1b2c3 / metering stands twice'],
  [{ devices: [{ ...device, originator: 'device' }] }, 'needs a ueServiceId'],
  [
    {
      serial: [
        { id: 'a', path: 'x' },
        { id: 'a', path: 'y' },
      ],
    },
    'the id a stands twice',
  ],
  [{ server }, 'ueServiceId is needed'],
  [{ server, ueServiceId: 'u' }, 'akma.keyFile is needed'],
  [[], 'the document'],
  [{ listen: '127.0.0.1:65536' }, 'listen: has a port above 65535'],
  [{ deviceListen: 'localhost:5683' }, 'deviceListen: has a name where a numeric address belongs'],
])('%j is refused and the sentence names what is wrong', (input, words) => {
  expect(() => parseConfig(input, 'site.json')).toThrow(expect.objectContaining({ code: 'config.invalid' }));
  expect(() => parseConfig(input, 'site.json')).toThrow(words);
});

test.each(['{"credential": hunter2}', '{"credential": "hunter2" "x"}', '{"credential": "hunter2'])(
  'what is not JSON is refused without a word of it: %s',
  text => {
    const path = join(folder, 'broken.json');
    writeFileSync(path, text);
    const told = () => {
      try {
        readConfig(path);
      } catch (error) {
        return inspect(error);
      }
    };
    expect(told()).toContain('config.not-json');
    expect(told()).not.toContain('hunter2');
  },
);

test('a byte order mark before the document is passed over', () => {
  const path = join(folder, 'bom.json');
  writeFileSync(path, '\ufeff{"site":"A"}');
  expect(readConfig(path)).toEqual({ site: 'A' });
});

test('a peer may have its own words for elements, and only for elements that there are', () => {
  const names = { msgType: 'Message Type' };
  expect(parseConfig({ serverElements: { names } }, 'test').serverElements).toEqual({ names });
  expect(() => parseConfig({ serverElements: { names: { msgTyp: 'x' } } }, 'test')).toThrow('serverElements.names');
});

test('a credential never stands in the sentence about it', () => {
  const input = { devices: [{ ...device, credential: 12345678 }] };
  expect(() => parseConfig(input, 'x')).toThrow(
    expect.not.objectContaining({ message: expect.stringContaining('12345678') }),
  );
});

test('a file that is missing or not JSON is named', () => {
  const path = join(folder, 'bad.json');
  writeFileSync(path, '{"site": ');
  expect(() => readConfig(path)).toThrow(
    expect.objectContaining({ code: 'config.not-json', message: expect.stringContaining(path) }),
  );
  expect(() => readConfig(join(folder, 'none.json'))).toThrow(expect.objectContaining({ code: 'config.unreadable' }));
});

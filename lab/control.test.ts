import { afterEach, expect, test } from 'vitest';
import { GatewayError } from '../gateway/base/errors.ts';
import { ControlPort, type ControlRoute } from './control.ts';

const routes: ControlRoute[] = [
  { method: 'POST', path: '/devices/:name/send', act: ({ name, body }) => ({ name, body }) },
  { method: 'GET', path: '/server/messages', act: ({ query }) => [query.get('ids')] },
  { method: 'POST', path: '/server/away', act: () => undefined },
  {
    method: 'POST',
    path: '/fails',
    act: () => {
      throw Object.assign(new GatewayError('lab.no-answer', 'nothing came', { hint: 'try again' }), { msgId: 'm1' });
    },
  },
];

const started: ControlPort[] = [];
afterEach(() => {
  for (const port of started.splice(0)) port.stop();
});

test('gives a call its name and its body', async () => {
  const call = await make();
  const answer = await call('POST', '/devices/meter-1/send', '{"payload":"21.5"}');
  expect(answer).toEqual({ status: 200, body: { name: 'meter-1', body: { payload: '21.5' } } });
});

test('gives a call its query', async () => {
  const call = await make();
  expect(await call('GET', '/server/messages?ids=1')).toEqual({ status: 200, body: ['1'] });
});

test('answers with an empty object when there is nothing to tell', async () => {
  const call = await make();
  expect(await call('POST', '/server/away')).toEqual({ status: 200, body: {} });
});

test.each([
  ['no token', ''],
  ['another token', 'Bearer other'],
  ['the token without its scheme', 'right'],
])('%s is 401', async (_name, authorization) => {
  const call = await make();
  expect(await call('POST', '/server/away', undefined, authorization)).toMatchObject({
    status: 401,
    body: { code: 'lab.unauthorized' },
  });
});

test.each([
  ['GET', '/server/away'],
  ['POST', '/server/away/more'],
  ['GET', '/'],
])('%s %s is 404', async (method, path) => {
  const call = await make();
  expect(await call(method, path)).toMatchObject({ status: 404, body: { code: 'lab.unknown-call' } });
});

test.each([
  ['text that is not JSON', 'x'],
  ['a list', '[]'],
  ['too much', JSON.stringify({ payload: 'x'.repeat(65_536) })],
])('%s as a body is 400', async (_name, body) => {
  const call = await make();
  expect(await call('POST', '/server/away', body)).toMatchObject({ status: 400, body: { code: 'lab.bad-request' } });
});

test('an error goes out with its code, its hint and the message ID', async () => {
  const call = await make();
  const body = { code: 'lab.no-answer', message: 'nothing came', hint: 'try again', msgId: 'm1' };
  expect(await call('POST', '/fails')).toEqual({ status: 504, body });
});

async function make() {
  const port = new ControlPort('right', routes);
  started.push(port);
  const url = await port.start();
  return async (method: string, path: string, body?: string, authorization = 'Bearer right') => {
    const response = await fetch(`${url}${path}`, { method, body, headers: authorization ? { authorization } : {} });
    return { status: response.status, body: await response.json() };
  };
}

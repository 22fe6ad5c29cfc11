import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { connect, maxUnacknowledged, newRpcCounters, serve, type Pipe } from './rpc.ts';

const contract = {
  'meter.read': {
    input: z.strictObject({ register: z.number().int().min(0) }),
    output: z.object({ value: z.number() }),
  },
  'meter.name': { input: z.strictObject({}).optional(), output: z.string() },
} as const;

interface Reading {
  value: number;
  unit: string;
}

/** Two ends in memory. What the client posts arrives at once; what the server posts waits when `holdPushes`. */
function pair(handlers: Partial<{ read: (register: number) => Promise<{ value: number }> }> = {}) {
  const toServer: ((text: string) => void)[] = [];
  const toClient: ((text: string) => void)[] = [];
  const answers: string[] = [];
  const held: string[] = [];
  let holdPushes = false;
  const serverPipe: Pipe = {
    post(text) {
      answers.push(text);
      if (holdPushes && text.includes('"push"')) held.push(text);
      else for (const listener of toClient) listener(text);
    },
    on: listener => void toServer.push(listener),
  };
  const clientPipe: Pipe = {
    post: text => toServer.forEach(listener => listener(text)),
    on: listener => void toClient.push(listener),
  };
  const view = newView();
  const counters = newRpcCounters();
  const failures: unknown[] = [];
  const stop = serve(
    serverPipe,
    {
      contract,
      handlers: {
        'meter.read': ({ register }) => handlers.read?.(register) ?? { value: register * 2 },
        'meter.name': () => 'meter-7',
      },
      views: { reading: view },
    },
    { counters, onFailure: (_call, cause) => failures.push(cause) },
  );
  const client = connect<typeof contract, { reading: Reading }>(clientPipe);
  return {
    client,
    view,
    counters,
    failures,
    answers,
    stop,
    raw: (text: string) => clientPipe.post(text),
    hold: () => void (holdPushes = true),
    release() {
      // Acknowledging one brings the next, which has to arrive after those that wait.
      for (let text = held.shift(); text !== undefined; text = held.shift())
        for (const listener of toClient) listener(text);
      holdPushes = false;
    },
  };
}

function newView() {
  let value: Reading | undefined;
  const listeners = new Set<(patch: unknown) => void>();
  return {
    current: () => value,
    watch(listener: (patch: unknown) => void) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    set(next: number) {
      value = { value: next, unit: 'kWh' };
      for (const listener of listeners) listener({ value: next });
    },
    watchers: () => listeners.size,
  };
}

describe('a call', () => {
  test('is answered with the value of its handler', async () => {
    await expect(pair().client.call('meter.read', { register: 21 })).resolves.toEqual({ value: 42 });
  });

  test('that takes nothing may be made with nothing', async () => {
    await expect(pair().client.call('meter.name')).resolves.toBe('meter-7');
  });

  test('each get their own answer, whatever the order', async () => {
    const order: (() => void)[] = [];
    const { client } = pair({ read: register => new Promise(done => order.push(() => done({ value: register }))) });
    const first = client.call('meter.read', { register: 1 });
    const second = client.call('meter.read', { register: 2 });
    order[1]();
    order[0]();
    await expect(Promise.all([first, second])).resolves.toEqual([{ value: 1 }, { value: 2 }]);
  });

  test('with an input that the schema refuses never reaches the handler', async () => {
    let reached = false;
    const { client, counters } = pair({ read: async () => ((reached = true), { value: 0 }) });
    const answer = client.call('meter.read', { register: -1 });
    await expect(answer).rejects.toMatchObject({ code: 'rpc.input', message: expect.stringContaining('register: ') });
    expect(reached).toBe(false);
    expect(counters.refused).toBe(1);
  });

  test('of a name that is not in the contract is refused, inherited names too', async () => {
    const { raw, answers } = pair();
    raw('{"type":"call","id":1,"name":"toString"}');
    expect(JSON.parse(answers[0])).toMatchObject({ type: 'error', id: 1, error: { code: 'rpc.unknown-call' } });
  });

  test('that fails with a dotted code tells code, sentence and hint', async () => {
    const failure = Object.assign(new Error('cannot open /dev/ttyUSB0: in use'), {
      code: 'link.serial-busy',
      hint: 'close it',
    });
    const { client } = pair({ read: () => Promise.reject(failure) });
    await expect(client.call('meter.read', { register: 1 })).rejects.toMatchObject({
      code: 'link.serial-busy',
      message: 'cannot open /dev/ttyUSB0: in use',
      hint: 'close it',
    });
  });

  test('that fails otherwise keeps its words for the log', async () => {
    const { client, answers, failures } = pair({ read: () => Promise.reject(new TypeError('secret at 0x7f')) });
    await expect(client.call('meter.read', { register: 1 })).rejects.toMatchObject({ code: 'internal' });
    expect(answers.join()).not.toContain('secret');
    expect(failures).toEqual([expect.objectContaining({ message: 'secret at 0x7f' })]);
  });

  test('that waits when the connection ends is rejected', async () => {
    const { client } = pair({ read: () => new Promise(() => {}) });
    const answer = client.call('meter.read', { register: 1 });
    client.close();
    await expect(answer).rejects.toMatchObject({ code: 'rpc.closed' });
    await expect(client.call('meter.name')).rejects.toMatchObject({ code: 'rpc.closed' });
  });
});

describe('what is no envelope', () => {
  const malformed = [
    '',
    'x',
    'null',
    '7',
    '[]',
    '{}',
    '{"type":"call"}',
    '{"type":"call","id":"1","name":"a"}',
    '{"type":"ack","seq":1.5}',
    '{"type":"watch"}',
  ];
  test.each(malformed)('%j is counted and answered, and the next call works', async text => {
    const { raw, answers, counters, client } = pair();
    raw(text);
    expect(counters.malformed).toBe(1);
    expect(JSON.parse(answers[0])).toMatchObject({ type: 'error', id: null, error: { code: 'rpc.malformed' } });
    await expect(client.call('meter.name')).resolves.toBe('meter-7');
  });
});

describe('a view', () => {
  test('starts with the whole and goes on with what changed', () => {
    const { client, view, answers } = pair();
    view.set(1);
    const seen: Reading[] = [];
    client.watch('reading', value => seen.push(value));
    view.set(2);
    expect(seen).toEqual([
      { value: 1, unit: 'kWh' },
      { value: 2, unit: 'kWh' },
    ]);
    expect(answers.map(text => JSON.parse(text))).toEqual([
      { type: 'push', view: 'reading', seq: 1, whole: true, value: { value: 1, unit: 'kWh' }, dropped: 0 },
      { type: 'push', view: 'reading', seq: 2, whole: false, value: { value: 2 }, dropped: 0 },
    ]);
  });

  test('that has not been read yet comes whole once it has', () => {
    const { client, view } = pair();
    const seen: Reading[] = [];
    client.watch('reading', value => seen.push(value));
    expect(seen).toEqual([]);
    view.set(5);
    expect(seen).toEqual([{ value: 5, unit: 'kWh' }]);
  });

  test('is not pushed after the client stopped watching, nor after the connection ended', () => {
    const { client, view, answers, stop } = pair();
    view.set(1);
    const unwatch = client.watch('reading', () => {});
    unwatch();
    expect(view.watchers()).toBe(0);
    client.watch('reading', () => {});
    stop();
    expect(view.watchers()).toBe(0);
    view.set(2);
    expect(answers).toHaveLength(2);
  });

  test('that does not exist is refused', () => {
    const { raw, answers } = pair();
    raw('{"type":"watch","view":"constructor"}');
    expect(JSON.parse(answers[0])).toMatchObject({ error: { code: 'rpc.unknown-view' } });
  });

  test('of a slow client is dropped beyond 8 unacknowledged pushes, counted, and resynchronised with a snapshot', () => {
    const { client, view, answers, counters, hold, release } = pair();
    view.set(0);
    const seen: [number, number][] = [];
    hold();
    client.watch('reading', ({ value }, dropped) => seen.push([value, dropped]));
    for (let value = 1; value <= 100; value++) view.set(value);
    expect(answers).toHaveLength(maxUnacknowledged);
    expect(counters.dropped).toBe(100 - (maxUnacknowledged - 1));
    release();
    expect(seen.at(-1)).toEqual([100, 93]);
    expect(JSON.parse(answers.at(-1)!)).toMatchObject({ seq: maxUnacknowledged + 1, whole: true });
    view.set(101);
    expect(seen.at(-1)).toEqual([101, 93]);
    expect(JSON.parse(answers.at(-1)!)).toMatchObject({ whole: false, value: { value: 101 } });
  });

  test('is not opened wider by a client that acknowledges what was never sent', () => {
    const { raw, view, answers, hold } = pair();
    view.set(0);
    hold();
    raw('{"type":"ack","seq":1000000}');
    raw('{"type":"watch","view":"reading"}');
    for (let value = 1; value <= 20; value++) view.set(value);
    expect(answers).toHaveLength(maxUnacknowledged);
  });
});

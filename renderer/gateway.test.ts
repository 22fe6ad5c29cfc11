import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createGateway, type Contact, type Gateway } from './gateway.ts';

/** What a test does in the place of a browser and a gateway. */
class FakeSocket {
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: (() => void) | null = null;
  readonly sent: { type: string; id?: number; name?: string; view?: string }[] = [];
  /** Whether the heartbeat is answered. */
  answers = true;
  isClosed = false;

  send(text: string): void {
    const message = JSON.parse(text) as FakeSocket['sent'][number];
    this.sent.push(message);
    if (this.answers && message.name === 'system.now') {
      queueMicrotask(() => this.say({ type: 'result', id: message.id, value: { nowMs: 5_000_000 } }));
    }
  }
  say(message: object): void {
    this.onmessage?.({ data: JSON.stringify(message) });
  }
  close(): void {
    this.isClosed = true;
  }
}

let sockets: FakeSocket[];
let contacts: Contact['state'][];
let isSignedIn: boolean;
let gateway: Gateway;

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000 });
  sockets = [];
  contacts = [];
  isSignedIn = true;
  gateway = createGateway({
    open() {
      const socket = new FakeSocket();
      sockets.push(socket);
      return socket as unknown as WebSocket;
    },
    isSignedIn: async () => isSignedIn,
    after(delayMs, act) {
      const timer = setTimeout(act, delayMs);
      return () => clearTimeout(timer);
    },
    nowMs: () => Date.now(),
    random: () => 0.5,
  });
  gateway.onContact(({ state }) => contacts.push(state));
});

afterEach(() => void vi.useRealTimers());

/** Lets time pass, and everything happen that falls into it. */
const pass = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);
const latest = (): FakeSocket => sockets.at(-1)!;

async function openLatest(): Promise<void> {
  latest().onopen?.();
  await pass(0);
}

describe('contact', () => {
  test('is live once the gateway has answered, not when the socket opened', async () => {
    gateway.start();
    latest().answers = false;
    await openLatest();
    expect(contacts).toEqual(['connecting']);
    latest().answers = true;
    await pass(5_250);
    await openLatest();
    expect(contacts).toEqual(['connecting', 'lost', 'live']);
  });

  test('knows the clock of the gateway', async () => {
    gateway.start();
    await openLatest();
    expect(gateway.gatewayNowMs()).toBe(5_000_000);
    vi.advanceTimersByTime(1_000);
    expect(gateway.gatewayNowMs()).toBe(5_001_000);
  });

  test('is lost when a heartbeat stays without an answer, and tells when the gateway was last heard', async () => {
    gateway.start();
    await openLatest();
    const heardMs = Date.now();
    latest().answers = false;
    let last: Contact | undefined;
    gateway.onContact(contact => (last = contact));
    await pass(9_999);
    expect(last?.state).toBe('live');
    await pass(1);
    expect(last).toEqual({ state: 'lost', sinceMs: heardMs });
    expect(sockets[0].isClosed).toBe(true);
  });
});

describe('a lost connection', () => {
  test('is dialled again after 0.25, 0.5, 1, 2, 4, 8, 8 s', async () => {
    gateway.start();
    await openLatest();
    const delays: number[] = [];
    for (let i = 0; i < 7; i++) {
      latest().onclose?.();
      await pass(0);
      const before = sockets.length;
      const fromMs = Date.now();
      while (sockets.length === before) await pass(50);
      delays.push(Date.now() - fromMs);
    }
    expect(delays).toEqual([250, 500, 1_000, 2_000, 4_000, 8_000, 8_000]);
  });

  test('is dialled at once when the network says that it is back', async () => {
    gateway.start();
    latest().onclose?.();
    await pass(0);
    gateway.retry();
    expect(sockets).toHaveLength(2);
    gateway.retry();
    expect(sockets).toHaveLength(2);
  });

  test('takes up what was watched', async () => {
    gateway.watch('overview', () => {});
    gateway.start();
    await openLatest();
    latest().onclose?.();
    await pass(250);
    await openLatest();
    expect(sockets.map(socket => socket.sent[0])).toEqual([
      { type: 'watch', view: 'overview' },
      { type: 'watch', view: 'overview' },
    ]);
  });

  test('rejects the calls that waited, and those made meanwhile', async () => {
    gateway.start();
    await openLatest();
    const waiting = gateway.call('overview.read');
    latest().onclose?.();
    await expect(waiting).rejects.toMatchObject({ code: 'rpc.closed' });
    await expect(gateway.call('overview.read')).rejects.toThrow('no contact');
  });

  test('is not dialled by itself where the browser is not signed in, but when asked to', async () => {
    isSignedIn = false;
    gateway.start();
    latest().onclose?.();
    await pass(0);
    expect(contacts.at(-1)).toBe('signed-out');
    await pass(60_000);
    expect(sockets).toHaveLength(1);
    gateway.retry();
    await openLatest();
    expect(contacts.at(-1)).toBe('live');
  });
});

test('a stopped gateway leaves no timer behind', async () => {
  gateway.start();
  await openLatest();
  gateway.stop();
  gateway.stop();
  expect(vi.getTimerCount()).toBe(0);
  expect(latest().isClosed).toBe(true);
});

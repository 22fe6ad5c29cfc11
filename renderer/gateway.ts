import type { ApiContract, ApiViews } from '../api/contract.ts';
import { connect, type Client } from '../api/rpc.ts';

/**
 * `live`: the gateway answers. `lost`: it does not, and is tried again. `signed-out`: it answers, but does not know this
 * browser any more, which only a new link can mend.
 */
export interface Contact {
  readonly state: 'connecting' | 'live' | 'lost' | 'signed-out';
  /** Of this browser's clock. When contact was lost: when the gateway was last heard. */
  readonly sinceMs: number;
}

/** What of a browser the gateway is reached with; a test brings its own. */
export interface World {
  open(): Pick<WebSocket, 'send' | 'close' | 'onopen' | 'onmessage' | 'onclose'>;
  isSignedIn(): Promise<boolean>;
  after(delayMs: number, act: () => void): () => void;
  nowMs(): number;
  random(): number;
}

export interface Gateway {
  start(): void;
  stop(): void;
  /** Tries again now: the network came back, the page was looked at again. */
  retry(): void;
  readonly call: Client<ApiContract, ApiViews>['call'];
  /** Goes on across reconnections; each begins with the whole. */
  watch: Client<ApiContract, ApiViews>['watch'];
  onContact(listener: (contact: Contact) => void): void;
  /** The gateway's wall clock, as far as this browser knows it. */
  gatewayNowMs(): number;
}

/** Ours: the first tries follow at once, since a restart takes seconds; later ones do not load a gateway that is busy. */
const retryDelaysMs = [250, 500, 1_000, 2_000, 4_000, 8_000];

/** Ours: an unplugged cable closes no socket, so silence is asked about, and a second silence ends the connection. */
const heartbeatMs = 5_000;

type ViewListener = Parameters<Gateway['watch']>[1];

/** The one place that knows how the gateway is reached: a WebSocket beside the page. */
export function createGateway(world: World = browserWorld()): Gateway {
  const watched = new Map<keyof ApiViews, ViewListener>();
  const listeners = new Set<(contact: Contact) => void>();
  let contact: Contact = { state: 'connecting', sinceMs: world.nowMs() };
  let connection: { client: Client<ApiContract, ApiViews>; isOpen: boolean; close: () => void } | undefined;
  let cancelTimer = (): void => {};
  let tries = 0;
  let offsetMs = 0;
  let running = false;

  function setContact(state: Contact['state'], sinceMs = world.nowMs()): void {
    contact = { state, sinceMs };
    for (const listener of listeners) listener(contact);
  }

  function schedule(delayMs: number, act: () => void): void {
    cancelTimer();
    cancelTimer = world.after(delayMs, act);
  }

  function dial(): void {
    cancelTimer();
    const socket = world.open();
    const hear: ((text: string) => void)[] = [];
    const client = connect<ApiContract, ApiViews>({
      post: text => socket.send(text),
      on: listener => void hear.push(listener),
    });
    const mine = {
      client,
      isOpen: false,
      close() {
        if (connection !== mine) return;
        connection = undefined;
        client.close();
        socket.onclose = null;
        socket.close();
        void lose(mine.isOpen);
      },
    };
    connection = mine;
    socket.onopen = () => {
      mine.isOpen = true;
      tries = 0;
      for (const [view, listener] of watched) client.watch(view, listener);
      void beat(mine);
    };
    socket.onmessage = event => hear.forEach(listener => listener(String(event.data)));
    socket.onclose = mine.close;
    // A network that swallows the handshake answers neither way.
    schedule(heartbeatMs, mine.close);
  }

  /** Asks the time: the answer proves contact, and keeps this clock beside the gateway's. */
  async function beat(mine: NonNullable<typeof connection>): Promise<void> {
    const askedMs = world.nowMs();
    schedule(heartbeatMs, mine.close);
    try {
      const { nowMs } = await mine.client.call('system.now');
      if (connection !== mine) return;
      offsetMs = nowMs - (askedMs + world.nowMs()) / 2;
      if (contact.state !== 'live') setContact('live');
      else contact = { ...contact, sinceMs: world.nowMs() };
      schedule(heartbeatMs, () => void beat(mine));
    } catch {
      // The connection ended meanwhile; `close` has taken over.
    }
  }

  async function lose(wasOpen: boolean): Promise<void> {
    // The last answer, not this moment, is when contact was lost.
    if (contact.state !== 'lost') setContact('lost', contact.sinceMs);
    if (!running) return;
    const delayMs = retryDelaysMs[Math.min(tries++, retryDelaysMs.length - 1)];
    // With jitter, so that many pages do not come back in one moment.
    schedule(delayMs * (0.75 + world.random() / 2), dial);
    // A refused handshake and a dead gateway look alike to a WebSocket; an ordinary request tells them apart.
    if (!wasOpen && !(await world.isSignedIn()) && running && !connection) {
      cancelTimer();
      setContact('signed-out');
    }
  }

  return {
    start() {
      if (running) return;
      running = true;
      dial();
    },
    stop() {
      running = false;
      connection?.close();
      cancelTimer();
    },
    retry() {
      if (!running || connection || contact.state === 'live') return;
      tries = 0;
      dial();
    },
    call: (...call) => {
      if (connection?.isOpen) return connection.client.call(...call);
      return Promise.reject(new Error('there is no contact with the gateway'));
    },
    watch(view, listener) {
      watched.set(view, listener as ViewListener);
      const stop = connection?.isOpen ? connection.client.watch(view, listener) : undefined;
      return () => {
        stop?.();
        watched.delete(view);
      };
    },
    onContact(listener) {
      listeners.add(listener);
      listener(contact);
    },
    gatewayNowMs: () => world.nowMs() + offsetMs,
  };
}

function browserWorld(): World {
  return {
    open: () => new WebSocket(`${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/ws`),
    async isSignedIn() {
      try {
        return (await fetch('/', { method: 'HEAD', cache: 'no-store' })).status !== 401;
      } catch {
        return true;
      }
    },
    after(delayMs, act) {
      const timer = setTimeout(act, delayMs);
      return () => clearTimeout(timer);
    },
    nowMs: () => Date.now(),
    random: Math.random,
  };
}

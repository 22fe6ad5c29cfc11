import type { WebSocket } from '@fastify/websocket';
import type { Cancel, Clock } from '../base/clock.ts';
import type { Service } from './service.ts';

export interface SocketCounters {
  opened: number;
  /** Ended by us: too many, silent, or too slow to read what they asked for. */
  ended: number;
  /** Frames above the limit, and what is no WebSocket at all. The protocol closes on these: RFC 6455 §7.4.1. */
  broken: number;
}

export function newSocketCounters(): SocketCounters {
  return { opened: 0, ended: 0, broken: 0 };
}

/** Ours: a control room has a few; more are a loop somewhere. */
const maxClients = 32;

/** Ours: half of the shortest idle time that common proxies allow (60 s). */
const pingIntervalMs = 30_000;

/** Ours: a hundred answers that nobody read. */
const maxBufferedBytes = 4 * 1_048_576;

/** RFC 6455 §7.4.1 */
const closeGoingAway = 1_001;
/** IANA registry: try again later. */
const closeTryAgainLater = 1_013;

/** The browsers that are connected: attached to the service, and let go when they are gone without a word. */
export function socketClients(service: Service, clock: Clock, counters: SocketCounters) {
  const answering = new Map<WebSocket, boolean>();
  let cancel: Cancel | undefined;

  function end(socket: WebSocket): void {
    counters.ended++;
    socket.terminate();
  }

  function pingAll(): void {
    for (const [socket, answered] of answering) {
      if (!answered) end(socket);
      else {
        answering.set(socket, false);
        socket.ping();
      }
    }
    cancel = clock.after(pingIntervalMs, pingAll);
  }

  return {
    add(socket: WebSocket): void {
      counters.opened++;
      if (answering.size >= maxClients) {
        counters.ended++;
        return socket.close(closeTryAgainLater, 'too many clients');
      }
      answering.set(socket, true);
      const detach = service.attach({
        post(text) {
          if (socket.bufferedAmount > maxBufferedBytes) end(socket);
          else if (socket.readyState === socket.OPEN) socket.send(text);
        },
        // A binary frame is no envelope, and neither is the empty text.
        on: listener => void socket.on('message', (data, isBinary) => listener(isBinary ? '' : String(data))),
      });
      socket.on('pong', () => void answering.set(socket, true));
      socket.on('error', () => counters.broken++);
      socket.on('close', () => {
        detach();
        answering.delete(socket);
      });
    },
    start(): () => void {
      cancel = clock.after(pingIntervalMs, pingAll);
      return () => {
        cancel?.();
        for (const socket of answering.keys()) socket.close(closeGoingAway, 'the gateway is stopping');
      };
    },
  };
}

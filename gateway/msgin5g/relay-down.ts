import { Backoff } from '../base/backoff.ts';
import type { Cancel } from '../base/clock.ts';
import type { Device, Message } from '../store/types.ts';
import { auditEvent, messageObject, type Peer } from './audit.ts';
import { createPost } from './coap-json.ts';
import type { DeviceRoutes } from './device-endpoints.ts';
import { outcomeOfAnswer, outcomeOfError, type Outcome } from './outcome.ts';
import { createEnds, isExpired, type RelayContext } from './relay.ts';
import { deliverySucceeded } from './types.ts';

export interface DownRelayOptions extends RelayContext {
  readonly routes: DeviceRoutes;
  /** Tells the Application ID of a device that was heard: it is awake, and need not be waited for. */
  readonly onHeard: (listener: (appId: string) => void) => () => void;
}

export interface DownRelay {
  start(): void;
  stop(): void;
}

/** One device's way: one message at a time, and a wait of its own. */
interface Way {
  readonly backoff: Backoff;
  readonly faults: Map<number, number>;
  isBusy: boolean;
  /** Set while it waits; called, it waits no more. */
  wake?: Cancel;
}

/**
 * Carries messages from the outbox to their devices. A device that is silent or not registered keeps its messages until
 * it is heard, or they expire; it never holds up another. When a device took a message, it is delivered, and whoever
 * asked for a report gets one.
 */
export function createDownRelay(options: DownRelayOptions): DownRelay {
  const { routes, onHeard, profile, reports, clock, random, counters, parameters } = options;
  const { outbox, registry } = options.store;
  const post = createPost(profile.uriPath);
  const ends = createEnds(options);
  const ways = new Map<string, Way>();
  const undo: Cancel[] = [];
  let isRunning = false;
  let nextSweep: Cancel | undefined;

  function deliverAll(): void {
    for (const device of registry.all()) if (device.registered) deliver(device.appId);
  }

  function deliver(appId: string): void {
    const way = wayTo(appId);
    if (!isRunning || way.isBusy || way.wake) return;
    const device = registry.byAppId(appId);
    const message = device && outbox.takeFor(appId);
    if (!message) return;
    way.isBusy = true;
    void carry(message, device, way).finally(() => {
      way.isBusy = false;
      deliver(appId);
    });
  }

  async function carry(message: Message, device: Device, way: Way): Promise<void> {
    if (isExpired(message, clock)) return ends.expire(message);
    const peer = { actor: `device:${device.layer2Id}`, from: `${device.linkId} ${device.address}` };
    const outcome = await send(message, device);
    if (outcome.kind === 'later') return later(message, outcome, way, peer);
    way.backoff.reset();
    way.faults.delete(message.rowId);
    // To a device "not registered" is an answer like any other.
    if (outcome.kind !== 'taken')
      return ends.fail(message, outcome.kind === 'refused' ? outcome.cause : 'NOT_REGISTERED', peer);
    await ends.stored(() => (message.kind === 'MSG' ? delivered(message, peer) : acknowledged(message, peer)));
    if (message.kind !== 'MSG') return;
    counters.count('delivered');
    if (device.linkId !== undefined) counters.onLink(device.linkId, 'down');
  }

  async function send(message: Message, device: Device): Promise<Outcome> {
    const { linkId = '', address = '' } = device;
    try {
      const answer = routes.request({ linkId, address }, post(message.body));
      if (!answer) return { kind: 'later', reason: `there is no way to ${linkId} ${address}` };
      counters.count('sent');
      return outcomeOfAnswer(await answer, profile.deviceElements);
    } catch (error) {
      return outcomeOfError(error);
    }
  }

  function delivered(message: Message, peer: Peer): Promise<void> {
    return reports.end(message, { delivSt: deliverySucceeded, attempted: true }, peer);
  }

  /** A report ends with its device: nobody reports on reports. */
  function acknowledged(message: Message, peer: Peer): Promise<void> {
    const after = { state: 'acknowledged', kind: message.kind, appId: message.appId };
    const told = { object: messageObject(message.messageId), before: { state: message.state }, after };
    return outbox.update(message, { state: 'acknowledged', attempted: true }, [
      auditEvent(clock, 'message.acknowledged', peer, told),
    ]);
  }

  async function later(message: Message, outcome: Outcome & { kind: 'later' }, way: Way, peer: Peer): Promise<void> {
    if (outcome.isItsFault) {
      const count = (way.faults.get(message.rowId) ?? 0) + 1;
      way.faults.set(message.rowId, count);
      if (count >= parameters.maxFaults) {
        way.faults.delete(message.rowId);
        return ends.fail(message, outcome.reason, peer);
      }
    }
    pause(way, message.appId, outcome.afterMs ?? 0);
    outbox.giveBack(message);
  }

  function pause(way: Way, appId: string, afterMs: number): void {
    if (!isRunning) return;
    const waitMs = Math.max(way.backoff.nextMs(), Math.min(afterMs, parameters.deviceMaxRetryMs));
    const cancel = clock.after(waitMs, () => {
      way.wake = undefined;
      deliver(appId);
    });
    way.wake = cancel;
  }

  function onAwake(appId: string): void {
    const way = ways.get(appId);
    if (!way?.wake) return;
    way.wake();
    way.wake = undefined;
    way.backoff.reset();
    deliver(appId);
  }

  function wayTo(appId: string): Way {
    const known = ways.get(appId);
    if (known) return known;
    const way: Way = {
      backoff: new Backoff(parameters.deviceFirstRetryMs, parameters.deviceMaxRetryMs, random),
      faults: new Map(),
      isBusy: false,
    };
    ways.set(appId, way);
    return way;
  }

  /** Messages that nobody fetches: the oldest of each application are looked at. */
  function sweep(): void {
    for (const { appId } of registry.all()) {
      if (ways.get(appId)?.isBusy) continue;
      for (let message = outbox.takeFor(appId); message; message = outbox.takeFor(appId)) {
        if (isExpired(message, clock)) void ends.expire(message);
        else {
          outbox.giveBack(message);
          break;
        }
      }
    }
    nextSweep = clock.after(parameters.expirySweepMs, sweep);
  }

  return {
    start() {
      if (isRunning) return;
      isRunning = true;
      ends.start();
      undo.push(
        onHeard(appId => {
          onAwake(appId);
          deliver(appId);
        }),
        outbox.onReady(direction => {
          if (direction === 'down') deliverAll();
        }),
      );
      sweep();
      deliverAll();
    },
    stop() {
      isRunning = false;
      ends.stop();
      nextSweep?.();
      for (const way of ways.values()) way.wake?.();
      ways.clear();
      for (const act of undo.splice(0)) act();
    },
  };
}

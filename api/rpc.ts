import type { z } from 'zod';
import { applyPatch } from './patch.ts';

/** Carries JSON text both ways: a MessagePort, a WebSocket, two functions in a test. */
export interface Pipe {
  post(text: string): void;
  on(listener: (text: string) => void): void;
}

/** A refusal as people read it: a stable dotted code, a sentence, and what to do. */
export interface RpcError {
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
}

/** Calls by name, `section.verb`, with the schemas of both ends. */
export type Contract = Record<string, { readonly input: z.ZodType; readonly output: z.ZodType }>;
export type Input<C extends Contract, N extends keyof C> = z.input<C[N]['input']>;
export type Output<C extends Contract, N extends keyof C> = z.output<C[N]['output']>;
export type Handlers<C extends Contract> = {
  readonly [N in keyof C]: (input: z.output<C[N]['input']>) => Output<C, N> | Promise<Output<C, N>>;
};

/** What is shown live. `onPatch` hears what turns the value before into the current one (RFC 7396). */
export interface View<T> {
  /** Undefined until it has been read for the first time; the first `onPatch` ends that. */
  current(): T | undefined;
  watch(onPatch: (patch: unknown) => void): () => void;
}
export type Views<V> = { readonly [N in keyof V]: View<V[N]> };

export interface RpcCounters {
  calls: number;
  refused: number;
  malformed: number;
  pushes: number;
  /** View updates that a slow client did not get; it got a snapshot later. */
  dropped: number;
}

export function newRpcCounters(): RpcCounters {
  return { calls: 0, refused: 0, malformed: 0, pushes: 0, dropped: 0 };
}

type ToServer =
  | { type: 'call'; id: number; name: string; input?: unknown }
  | { type: 'watch'; view: string }
  | { type: 'unwatch'; view: string }
  | { type: 'ack'; seq: number };

type ToClient =
  | { type: 'result'; id: number; value: unknown }
  | { type: 'error'; id: number | null; error: RpcError }
  | { type: 'push'; view: string; seq: number; whole: boolean; value: unknown; dropped: number };

const otherVersion = 'the page is of another version than the gateway: load it anew';

/** Pushes on their way to one client; more would only be older news. */
export const maxUnacknowledged = 8;

/** Answers one client on a pipe until the function it returns is called. Never throws for what the client sends. */
export function serve<C extends Contract, V>(
  pipe: Pipe,
  { contract, handlers, views }: { contract: C; handlers: Handlers<C>; views: Views<V> },
  {
    counters = newRpcCounters(),
    onFailure,
  }: { counters?: RpcCounters; onFailure?: (call: string, cause: unknown) => void } = {},
): () => void {
  const watched = new Map<string, { stop: () => void; stale: boolean }>();
  let sent = 0;
  let acknowledged = 0;
  let dropped = 0;
  let open = true;
  const post = (message: ToClient): void => (open ? pipe.post(JSON.stringify(message)) : undefined);

  function refuse(id: number | null, error: RpcError): void {
    counters.refused++;
    post({ type: 'error', id, error });
  }

  async function call({ id, name, input }: Extract<ToServer, { type: 'call' }>): Promise<void> {
    counters.calls++;
    if (!Object.hasOwn(contract, name))
      return refuse(id, { code: 'rpc.unknown-call', message: `there is no call ${name}`, hint: otherVersion });
    const checked = contract[name].input.safeParse(input);
    if (!checked.success) return refuse(id, inputError(name, checked.error));
    try {
      post({ type: 'result', id, value: await handlers[name as keyof C](checked.data as never) });
    } catch (cause) {
      onFailure?.(name, cause);
      refuse(id, toRpcError(cause));
    }
  }

  function offer(name: string, patch?: unknown): void {
    const watching = watched.get(name);
    const value = views[name as keyof V].current();
    if (!watching || value === undefined) return;
    if (sent - acknowledged >= maxUnacknowledged) {
      watching.stale = true;
      if (patch === undefined) return;
      dropped++;
      counters.dropped++;
    } else if (watching.stale || patch !== undefined) {
      const whole = watching.stale;
      watching.stale = false;
      counters.pushes++;
      post({ type: 'push', view: name, seq: ++sent, whole, value: whole ? value : patch, dropped });
    }
  }

  function watch(name: string): void {
    if (!Object.hasOwn(views as object, name))
      return refuse(null, { code: 'rpc.unknown-view', message: `there is no view ${name}`, hint: otherVersion });
    if (watched.has(name)) return;
    const watching = { stop: () => {}, stale: true };
    watched.set(name, watching);
    watching.stop = views[name as keyof V].watch(patch => offer(name, patch));
    offer(name);
  }

  function unwatch(name: string): void {
    watched.get(name)?.stop();
    watched.delete(name);
  }

  pipe.on(text => {
    if (!open) return;
    const message = readRequest(text);
    if (message === undefined) {
      counters.malformed++;
      refuse(null, { code: 'rpc.malformed', message: 'that is not an envelope of this protocol', hint: otherVersion });
    } else if (message.type === 'call') void call(message);
    else if (message.type === 'watch') watch(message.view);
    else if (message.type === 'unwatch') unwatch(message.view);
    else {
      acknowledged = Math.min(sent, Math.max(acknowledged, message.seq));
      for (const [name, { stale }] of watched) if (stale) offer(name);
    }
  });
  return () => {
    open = false;
    for (const name of [...watched.keys()]) unwatch(name);
  };
}

export interface Client<C extends Contract, V> {
  call<N extends keyof C & string>(
    name: N,
    ...input: undefined extends Input<C, N> ? [Input<C, N>?] : [Input<C, N>]
  ): Promise<Output<C, N>>;
  /** The view's value now and after each change; `dropped` counts updates that this client was too slow for. */
  watch<N extends keyof V & string>(view: N, listener: (value: V[N], dropped: number) => void): () => void;
  /** The pipe is gone: what waits is rejected with `rpc.closed`. */
  close(): void;
}

/** The other end. Refusals reject with an `RpcFailure`. */
export function connect<C extends Contract, V>(pipe: Pipe): Client<C, V> {
  const waiting = new Map<number, { resolve: (value: never) => void; reject: (error: RpcFailure) => void }>();
  const watched = new Map<string, { value: unknown; listener: (value: never, dropped: number) => void }>();
  let lastId = 0;
  let open = true;
  const post = (message: ToServer): void => pipe.post(JSON.stringify(message));

  pipe.on(text => {
    const message = JSON.parse(text) as ToClient;
    if (message.type === 'push') {
      const watching = watched.get(message.view);
      if (watching) {
        watching.value = message.whole ? message.value : applyPatch(watching.value, message.value);
        watching.listener(watching.value as never, message.dropped);
      }
      post({ type: 'ack', seq: message.seq });
    } else if (message.id !== null) {
      const call = waiting.get(message.id);
      waiting.delete(message.id);
      if (message.type === 'result') call?.resolve(message.value as never);
      else call?.reject(new RpcFailure(message.error));
    }
  });
  return {
    call(name, ...input) {
      const id = ++lastId;
      return new Promise((resolve, reject) => {
        if (!open) return reject(new RpcFailure(closed));
        waiting.set(id, { resolve, reject });
        post({ type: 'call', id, name, input: input[0] });
      });
    },
    watch(view, listener) {
      watched.set(view, { value: undefined, listener });
      post({ type: 'watch', view });
      return () => {
        if (watched.delete(view) && open) post({ type: 'unwatch', view });
      };
    },
    close() {
      open = false;
      for (const { reject } of waiting.values()) reject(new RpcFailure(closed));
      waiting.clear();
      watched.clear();
    },
  };
}

/** A refusal from the other end. */
export class RpcFailure extends Error implements RpcError {
  readonly code: string;
  readonly hint?: string;

  constructor({ code, message, hint }: RpcError) {
    super(message);
    this.name = 'RpcFailure';
    this.code = code;
    this.hint = hint;
  }
}

const closed: RpcError = { code: 'rpc.closed', message: 'the connection to the gateway ended before it answered' };

/** An envelope of this protocol, or undefined. */
function readRequest(text: string): ToServer | undefined {
  let message: Partial<Record<'type' | 'id' | 'name' | 'input' | 'view' | 'seq', unknown>> | null;
  try {
    message = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof message !== 'object' || message === null) return undefined;
  const { type, id, name, input, view, seq } = message;
  if (type === 'call' && Number.isSafeInteger(id) && typeof name === 'string')
    return { type, id: id as number, name, input };
  if ((type === 'watch' || type === 'unwatch') && typeof view === 'string') return { type, view };
  if (type === 'ack' && Number.isSafeInteger(seq)) return { type, seq: seq as number };
  return undefined;
}

function inputError(name: string, error: z.ZodError): RpcError {
  const wrong = error.issues.map(issue => `${issue.path.join('.') || 'input'}: ${issue.message}`);
  return { code: 'rpc.input', message: `${name} does not take this: ${wrong.join('; ')}`, hint: otherVersion };
}

/** Dotted codes are meant for people. Anything else may hold what they should not see, and stays in the log. */
function toRpcError(cause: unknown): RpcError {
  const { code, message, hint } = (cause ?? {}) as Partial<RpcError>;
  if (typeof code !== 'string' || !/^[a-z0-9-]+\.[a-z0-9.-]+$/.test(code) || typeof message !== 'string') {
    return { code: 'internal', message: 'the gateway could not answer this', hint: 'the log of the gateway says why' };
  }
  return typeof hint === 'string' ? { code, message, hint } : { code, message };
}

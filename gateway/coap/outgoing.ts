import type { Cancel } from '../base/clock.ts';
import type { GatewayError } from '../base/errors.ts';
import { Waiter } from './delay-line.ts';
import type { Peer } from './peers.ts';
import type { IncomingResponse } from './types.ts';

/** `waiting` behind NSTART; `sent`; `acknowledged`, the response still to come; `ended`. Changed by `sender.ts` alone. */
type OutgoingState = 'waiting' | 'sent' | 'acknowledged' | 'ended';

/** What a message of ours waits for: a request for its response, a separate response for its ACK, a ping for its RST. */
type OutgoingKind = 'request' | 'response' | 'ping';

/** One message of ours from which something comes back. */
export class Outgoing extends Waiter {
  readonly peer: Peer;
  readonly kind: OutgoingKind;
  readonly isConfirmable: boolean;
  /** Encoded once; the Message ID is written in when it is sent. */
  readonly octets: Uint8Array;
  readonly tokenOctets: Uint8Array;
  readonly onResponse: ((response: IncomingResponse) => void) | undefined;
  readonly onFailed: (error: GatewayError) => void;
  state: OutgoingState = 'waiting';
  messageId = -1;
  /** Whether it counts toward NSTART. */
  isOutstanding = false;
  startedMs = 0;
  timeoutMs = 0;
  retransmissions = 0;
  cancelTimeout: Cancel | undefined = undefined;

  constructor(
    peer: Peer,
    kind: OutgoingKind,
    isConfirmable: boolean,
    octets: Uint8Array,
    tokenOctets: Uint8Array,
    onResponse: ((response: IncomingResponse) => void) | undefined,
    onFailed: (error: GatewayError) => void,
  ) {
    super();
    this.peer = peer;
    this.kind = kind;
    this.isConfirmable = isConfirmable;
    this.octets = octets;
    this.tokenOctets = tokenOctets;
    this.onResponse = onResponse;
    this.onFailed = onFailed;
  }
}

/** The messages by their elements. Enumerations are open (TS 29.538: `anyOf [enum, string]`), so their values stay as they came. */

/** TS 29.538 Address: `addrType` is UE, AS, GROUP, BC or TOPIC. */
export interface Address {
  readonly addrType: string;
  readonly addr: string;
}

/** Registration of a device at the gateway, MSGin5G-5. TS 24.538 §6.3.2.2. */
export interface Reg {
  readonly msgType: 'REG';
  readonly layer2Id: string;
  readonly appId: string;
  readonly credential: string;
}

/** De-registration of a device, MSGin5G-5. */
export interface Dereg {
  readonly msgType: 'DEREG';
  readonly layer2Id: string;
  readonly appId: string;
}

/** Our own registration and de-registration at the server, MSGin5G-1. TS 24.538 §6.3.1.1, §6.3.1.2. */
export interface ServiceReg {
  readonly msgType: 'REG' | 'DEREG';
  readonly serviceId: string;
  readonly ueServiceId: string;
  readonly credential?: string;
}

/** What a message carries apart from its addresses, alike on MSGin5G-1 and MSGin5G-5. TS 23.554 Table 8.3.2-1. */
export interface MsgContent {
  readonly payload?: string;
  /** `base64` when `payload` is; absent when it is text. */
  readonly payloadEnc?: string;
  readonly delivStReqInd?: boolean;
  readonly priority?: string;
  readonly segInd?: boolean;
  readonly segParams?: SegParams;
}

export interface SegParams {
  readonly segId?: string;
  readonly totalSegCount?: number;
  readonly segNumb?: number;
  readonly lastSegFlag?: boolean;
}

export interface StoAndFwParams {
  /** RFC 3339 date-time. */
  readonly exprTime?: string;
}

/** A message on MSGin5G-1. */
export interface Msg extends MsgContent {
  readonly msgType: 'MSG';
  readonly oriAddr: Address;
  readonly destAddr: Address;
  readonly msgId: string;
  readonly appId?: string;
  readonly stoAndFwInd?: boolean;
  readonly stoAndFwParams?: StoAndFwParams;
  readonly latency?: number;
}

/** A message as a device gives it, MSGin5G-5: the gateway knows the rest. */
export interface DeviceMsg extends MsgContent {
  readonly msgType: 'MSG';
  readonly appId?: string;
  readonly msgId?: string;
  readonly destAddr?: Address;
  readonly payload: string;
  readonly stoAndFwInd?: boolean;
  readonly stoAndFwParams?: StoAndFwParams;
}

/** Answer to a message. `status` absent: taken; DELY_STORED: kept for later; DELY_FAILED: not taken, see `failureCause`. */
export interface MsgResp {
  readonly oriAddr?: Address;
  readonly msgId?: string;
  readonly status?: string;
  readonly failureCause?: string;
  /** Some peers answer in the words of a registration. */
  readonly result?: boolean;
  readonly cause?: string;
}

/** Delivery status report. `msgId` is the one of the message it tells of; `delivSt` REPT_DELY_SUCCESS or REPT_DELY_FAILED. TS 23.554 Table 8.3.4-1. */
export interface Imdn {
  readonly msgType: 'IMDN';
  readonly oriAddr?: Address;
  readonly destAddr: Address;
  readonly msgId: string;
  readonly delivSt: string;
  readonly failureCause?: string;
}

/** What a device may ask of the gateway. */
export type DeviceRequest = Reg | Dereg | DeviceMsg | Imdn;

/** What the server may ask of the gateway. */
export type ServerRequest = Msg | Imdn;

export const deliverySucceeded = 'REPT_DELY_SUCCESS';
export const deliveryFailed = 'REPT_DELY_FAILED';
export const messageFailed = 'DELY_FAILED';

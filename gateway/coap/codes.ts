/** Codes are one octet: class in the upper three bits, detail in the lower five. RFC 7252 §3, §12.1. */

/** RFC 7252 §12.1.1. */
export const method = { get: 0x01, post: 0x02, put: 0x03, delete: 0x04 } as const;

/** RFC 7252 §12.1.2, with those of RFC 7959 §6 and RFC 8768 §6. */
export const status = {
  created: 0x41,
  deleted: 0x42,
  valid: 0x43,
  changed: 0x44,
  content: 0x45,
  continue: 0x5f,
  badRequest: 0x80,
  unauthorized: 0x81,
  badOption: 0x82,
  forbidden: 0x83,
  notFound: 0x84,
  methodNotAllowed: 0x85,
  notAcceptable: 0x86,
  requestEntityIncomplete: 0x88,
  conflict: 0x89,
  preconditionFailed: 0x8c,
  requestEntityTooLarge: 0x8d,
  unsupportedContentFormat: 0x8f,
  internalServerError: 0xa0,
  notImplemented: 0xa1,
  badGateway: 0xa2,
  serviceUnavailable: 0xa3,
  gatewayTimeout: 0xa4,
  proxyingNotSupported: 0xa5,
} as const;

export const emptyCode = 0x00;

export function codeClass(code: number): number {
  return code >>> 5;
}

/** Classes whose messages are rejected like format errors. RFC 7252 §4.2. */
export function isReservedClass(code: number): boolean {
  const octetClass = codeClass(code);
  return octetClass === 1 || octetClass >= 6;
}

/** 2.xx. */
export function isSuccess(code: number): boolean {
  return codeClass(code) === 2;
}

/** As people write it: 0x44 is `2.04`. */
export function formatCode(code: number): string {
  return `${codeClass(code)}.${String(code & 0x1f).padStart(2, '0')}`;
}

/** The octet of a code as people write it: `4.04` is 0x84. */
export function parseCode(text: string): number {
  const parts = /^([0-7])\.([0-2]\d|3[01])$/.exec(text);
  if (!parts) throw new RangeError(`not a CoAP code: ${text}`);
  return (Number(parts[1]) << 5) | Number(parts[2]);
}

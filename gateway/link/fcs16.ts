/** Running value before the first octet. RFC 1662 §C.2. */
export const fcs16Start = 0xffff;

/** Running value over data and its FCS when both arrived whole. RFC 1662 §C.2. */
export const fcs16Good = 0xf0b8;

/** FCS-16 of PPP, also CRC-16/IBM-SDLC: x^16 + x^12 + x^5 + 1, least significant bit first, hence 0x8408. */
const table = Uint16Array.from({ length: 256 }, (_, octet) => {
  let value = octet;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >> 1) ^ 0x8408 : value >> 1;
  return value;
});

/** The running value after one octet more. */
export function fcs16Step(running: number, octet: number): number {
  return (running >> 8) ^ table[(running ^ octet) & 0xff];
}

/** The FCS to send after these octets: the complement of the running value. Sent least significant octet first. */
export function fcs16(octets: Uint8Array): number {
  let running = fcs16Start;
  for (const octet of octets) running = fcs16Step(running, octet);
  return running ^ 0xffff;
}

import { createHmac } from 'node:crypto';
import { writeFileSync } from 'node:fs';

/** The server's name, hashed into K_AF. */
export const fqdn = 'msgin5g.example.com';
export const aKid = 'rid0000.LLF042GWKiahpcSQ2e_eE91fImIOIGaRGDNpekwUopE@5gc.mnc001.mcc001.3gppnetwork.org';

/** K_AF of TS 33.535 §A.4 for a DTLS 1.2 session with this suite (Ua* identifier 01 00 01 yy zz, TS 33.220 §H.3). */
export function applicationKey(kAkma: Uint8Array, suite: string): Uint8Array {
  const afId = Buffer.concat([Buffer.from(fqdn, 'ascii'), Buffer.from(`010001${suite}`, 'hex')]);
  const length = Buffer.alloc(2);
  length.writeUInt16BE(afId.length);
  return createHmac('sha256', kAkma).update(Buffer.of(0x82)).update(afId).update(length).digest();
}

/** A provisioned key as the gateway's file key source reads it. */
export function writeKeyFile(path: string, kAkma: Uint8Array): void {
  const expiresAt = new Date(Date.now() + 3_600_000).toISOString();
  const key = { supi: '001010123456789', aKid, kAkma: Buffer.from(kAkma).toString('hex'), expiresAt };
  writeFileSync(path, JSON.stringify(key), { mode: 0o600 });
}

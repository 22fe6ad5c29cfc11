/**
 * Cipher suites of DTLS 1.2 with PSK that OpenSSL 3 offers and 33.210 or RFC 7252 ask for, in the usual order of preference.
 * Labels are the codes; names are IANA's without the TLS_ and WITH_ that all share. RFC 7905, RFC 6655, RFC 5487.
 */
export const suiteTable = {
  CCAC: { code: 0xccac, name: 'ECDHE_PSK_CHACHA20_POLY1305' },
  C0A8: { code: 0xc0a8, name: 'PSK_AES_128_CCM_8' },
  '00A8': { code: 0x00a8, name: 'PSK_AES_128_GCM_SHA256' },
} as const;

export type SuiteLabel = keyof typeof suiteTable;

export const suiteLabels: readonly SuiteLabel[] = ['CCAC', 'C0A8', '00A8'];

export function suiteCodes(labels: readonly SuiteLabel[]): number[] {
  return labels.map(label => suiteTable[label].code);
}

/** A suite for people: `C0A8 PSK_AES_128_CCM_8`, or its code alone where the table has none. */
export function suiteText(code: number): string {
  const label = code.toString(16).padStart(4, '0').toUpperCase();
  return Object.hasOwn(suiteTable, label) ? `${label} ${suiteTable[label as SuiteLabel].name}` : label;
}

/** Headroom for one record: header, explicit nonce and tag; 29 octets with CCM8, 128 covers every suite. */
export const recordOverheadBytes = 128;

/** The largest datagram that the engine makes; a channel may take larger ones. */
export const maxRecordDatagramBytes = 16_384;

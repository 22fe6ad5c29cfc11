import { dtls } from '../../native/index.ts';

export { forbidCoreDumps } from '../../native/index.ts';

/** The TLS library inside the addon, as it calls itself. Throws `dtls.addon-missing` where the addon cannot be loaded. */
export function engineVersion(): string {
  return dtls.opensslVersion;
}

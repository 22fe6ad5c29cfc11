import { isIP } from 'node:net';

/**
 * The host names under which the dashboard may be asked for. A page elsewhere can have its own name resolve to this
 * machine (DNS rebinding), but it cannot change the name that the browser sends.
 */
export interface HostRule {
  readonly names: ReadonlySet<string>;
  /** Listening everywhere, so any address may be ours. An address is safe: rebinding needs a name. */
  readonly anyAddress: boolean;
}

export function hostRule(listenHost: string, allowedHosts: readonly string[]): HostRule {
  const names = ['localhost', '127.0.0.1', '::1', listenHost, ...allowedHosts].map(name => name.toLowerCase());
  return { names: new Set(names), anyAddress: isWildcard(listenHost) };
}

export function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || host === '::';
}

/** @param header the Host header: `127.0.0.1:7420`, `[::1]:7420`, `gateway.example` */
export function isAllowedHost(rule: HostRule, header: string | undefined): boolean {
  const name = header
    ?.toLowerCase()
    .replace(/:\d{1,5}$/, '')
    .replace(/^\[(.*)\]$/, '$1');
  if (!name) return false;
  return rule.names.has(name) || (rule.anyAddress && isIP(name) !== 0);
}

/** Whether the page that asks came from where it asks. Behind a proxy that ends TLS the schemes differ, the hosts do not. */
export function isSameOrigin(origin: string, hostHeader: string | undefined): boolean {
  return URL.canParse(origin) && new URL(origin).host === hostHeader?.toLowerCase().replace(/:(80|443)$/, '');
}

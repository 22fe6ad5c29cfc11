export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** `127.0.0.1:5683`, `[::1]:5683`: an IPv6 address stands in brackets. */
export function formatHostPort({ host, port }: HostPort): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** HOST:PORT taken apart; an IPv6 host loses its brackets. */
export function splitHostPort(text: string): HostPort {
  const at = text.lastIndexOf(':');
  return { host: text.slice(0, at).replace(/^\[|\]$/g, ''), port: Number(text.slice(at + 1)) };
}

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { Secret } from '../../gateway/base/secret.ts';
import { identity, keyHex, ourClient, ourServer, suites, wrongKeyHex } from './dtls-ends.ts';
import { freeUdpPort, udpPortBound } from '../udp-ports.ts';
import { startPeer, type Peer } from './peers.ts';

/** Only this key exchange and cipher, only DTLS 1.2. */
const priority = (suite: string) => `NORMAL:-KX-ALL:${suite}:-VERS-ALL:+VERS-DTLS1.2`;

/** `gnutls-serv --echo`. */
async function gnutlsServ(suite: string, pskHex: string): Promise<{ peer: Peer; port: number }> {
  const folder = mkdtempSync(join(tmpdir(), 'fieldgate-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const passwords = join(folder, 'psk.txt');
  writeFileSync(passwords, `${identity}:${pskHex}\n`, { mode: 0o600 });
  const port = await freeUdpPort();
  const options = ['-u', '--echo', '-p', String(port), '--pskpasswd', passwords, '--pskhint', '3GPP-AKMA'];
  const peer = startPeer('gnutls-serv', [...options, '--priority', priority(suite)]);
  onTestFinished(() => peer.stop());
  await udpPortBound(port);
  return { peer, port };
}

describe('our client and gnutls-serv', () => {
  test.each(suites)('speak $openssl, both ways', async ({ code, gnutls }) => {
    const { port } = await gnutlsServ(gnutls, keyHex);
    const client = await ourClient(port);
    await client.open();
    expect(client.channel.facts).toMatchObject({ suite: code, identity, identityHint: '3GPP-AKMA' });
    client.send('there and back\n');
    await client.box.until(() => client.box.texts.includes('there and back\n'));
  });

  test('resume a session', async () => {
    const { port } = await gnutlsServ(suites[1].gnutls, keyHex);
    const first = await ourClient(port);
    await first.open();
    const resume = new Secret(first.channel.exportSession()!);
    await first.channel.close();
    const second = await ourClient(port, { resume });
    await second.open();
    expect(second.channel.facts).toMatchObject({ resumed: true, identity });
    second.send('again\n');
    await second.box.until(() => second.box.texts.includes('again\n'));
  });

  test('do not agree on a wrong key, and ours says so', async () => {
    const { port } = await gnutlsServ(suites[1].gnutls, wrongKeyHex);
    const client = await ourClient(port, { handshakeTimeoutMs: 3_000 });
    await expect(client.open()).rejects.toMatchObject({ code: 'dtls.psk-silent' });
  });
});

describe('gnutls-cli and our server', () => {
  // Plain PSK only: gnutls-cli 3.7.9 crashes by itself after ECDHE-PSK.
  test.each(suites.filter(({ gnutls }) => !gnutls.includes('ECDHE')))(
    'speak $openssl, both ways',
    async ({ code, gnutls }) => {
      const server = await ourServer();
      const options = ['-u', '-p', String(server.port), '--pskusername', identity, '--pskkey', keyHex];
      const peer = startPeer('gnutls-cli', [...options, '--priority', priority(gnutls), '127.0.0.1']);
      onTestFinished(() => peer.stop());
      await peer.says('Handshake was completed');
      peer.write('from GnuTLS\n');
      await server.box.until(() => server.box.texts.length > 0);
      expect(server.box.texts).toEqual(['from GnuTLS\n']);
      expect(server.box.from()?.security).toEqual({ protocol: 'DTLS 1.2', suite: code, identity });
      server.reply('from Fieldgate\n');
      await peer.says('from Fieldgate');
    },
  );

  test('part over an unknown identity', async () => {
    const server = await ourServer();
    const options = ['-u', '-p', String(server.port), '--pskusername', 'stranger', '--pskkey', keyHex];
    const peer = startPeer('gnutls-cli', [...options, '--priority', priority(suites[1].gnutls), '127.0.0.1']);
    onTestFinished(() => peer.stop());
    expect(await peer.ended()).not.toBe(0);
    expect(server.refused).toEqual(['dtls.psk-refused']);
  });
});

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { Secret } from '../../gateway/base/secret.ts';
import { identity, keyHex, ourClient, ourServer, suites, wrongKeyHex } from './dtls-ends.ts';
import { freeUdpPort, udpPortBound } from '../udp-ports.ts';
import { startPeer, type Peer } from './peers.ts';

/** `openssl s_server`: what it hears is its output, what is written to it goes to the client. */
async function sServer(...options: string[]): Promise<{ peer: Peer; port: number }> {
  const port = await freeUdpPort();
  const fixed = ['-dtls1_2', '-accept', `127.0.0.1:${port}`, '-nocert', '-quiet', '-listen', '-psk_hint', '3GPP-AKMA'];
  const peer = startPeer('openssl', ['s_server', ...fixed, '-psk_identity', identity, ...options]);
  onTestFinished(() => peer.stop());
  await udpPortBound(port);
  return { peer, port };
}

function sClient(port: number, ...options: string[]): Peer {
  const peer = startPeer('openssl', ['s_client', '-dtls1_2', '-connect', `127.0.0.1:${port}`, '-quiet', ...options]);
  onTestFinished(() => peer.stop());
  return peer;
}

describe('our client and openssl s_server', () => {
  test.each(suites)('speak $openssl, both ways', async ({ code, openssl }) => {
    const { peer, port } = await sServer('-psk', keyHex, '-cipher', `${openssl}:@SECLEVEL=0`);
    const client = await ourClient(port);
    await client.open();
    expect(client.channel.facts).toMatchObject({
      suite: code,
      identity,
      identityHint: '3GPP-AKMA',
      extendedMasterSecret: true,
    });
    client.send('from Fieldgate\n');
    await peer.says('from Fieldgate');
    peer.write('from OpenSSL\n');
    await client.box.until(() => client.box.texts.includes('from OpenSSL\n'));
  });

  test('resume a session', async () => {
    const { peer, port } = await sServer('-psk', keyHex, '-cipher', 'PSK-AES128-CCM8:@SECLEVEL=0');
    const first = await ourClient(port);
    await first.open();
    const resume = new Secret(first.channel.exportSession()!);
    const localPort = first.localPort();
    await first.channel.close();
    // s_server stays connected to the address of its first client.
    const second = await ourClient(port, { resume, psk: () => undefined }, localPort);
    await second.open();
    expect(second.channel.facts).toMatchObject({ resumed: true, identity });
    second.send('resumed\n');
    await peer.says('resumed');
  });

  test('do not agree on a wrong key, and ours says so', async () => {
    const { port } = await sServer('-psk', wrongKeyHex, '-cipher', 'PSK-AES128-CCM8:@SECLEVEL=0');
    const client = await ourClient(port, { handshakeTimeoutMs: 3_000 });
    await expect(client.open()).rejects.toMatchObject({ code: 'dtls.psk-silent' });
  });

  test('find no common suite, and ours says so', async () => {
    const { port } = await sServer('-psk', keyHex, '-cipher', 'PSK-AES256-CCM8:@SECLEVEL=0');
    const client = await ourClient(port);
    await expect(client.open()).rejects.toMatchObject({ code: 'dtls.no-common-suite' });
  });

  test('end with its close_notify', async () => {
    const { peer, port } = await sServer('-psk', keyHex, '-cipher', 'PSK-AES128-CCM8:@SECLEVEL=0');
    const client = await ourClient(port);
    await client.open();
    client.send('bye\n');
    await peer.says('bye');
    await peer.stop();
    await client.channel.close();
    expect(client.box.lost.filter(code => code !== 'dtls.closed' && !code.startsWith('channel.'))).toEqual([]);
  });
});

describe('openssl s_client and our server', () => {
  test.each(suites)('speak $openssl, both ways', async ({ code, openssl }) => {
    const server = await ourServer();
    const cipher = ['-cipher', `${openssl}:@SECLEVEL=0`];
    const peer = sClient(server.port, '-psk_identity', identity, '-psk', keyHex, ...cipher, '-servername', 'a.example');
    peer.write('from OpenSSL\n');
    await server.box.until(() => server.box.texts.length > 0);
    expect(server.box.texts).toEqual(['from OpenSSL\n']);
    expect(server.box.from()?.security).toEqual({ protocol: 'DTLS 1.2', suite: code, identity });
    server.reply('from Fieldgate\n');
    await peer.says('from Fieldgate');
    await peer.stop();
  });

  test('resume a session', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'fieldgate-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const saved = join(folder, 'session.pem');
    let asked = 0;
    const server = await ourServer({
      psk: () => {
        asked++;
        return new Secret(Uint8Array.from(Buffer.from(keyHex, 'hex')));
      },
    });
    const options = ['-psk_identity', identity, '-psk', keyHex, '-cipher', 'PSK-AES128-CCM8:@SECLEVEL=0'];
    for (const [text, ...more] of [
      ['full', '-sess_out', saved],
      ['short', '-sess_in', saved],
    ]) {
      const peer = sClient(server.port, ...options, ...more);
      peer.write(`${text}\n`);
      await server.box.until(() => server.box.texts.includes(`${text}\n`));
      await peer.stop();
    }
    expect(asked).toBe(1);
  });

  test('do not agree on a wrong key', async () => {
    const server = await ourServer({ handshakeTimeoutMs: 2_000 });
    const cipher = ['-cipher', 'PSK-AES128-CCM8:@SECLEVEL=0'];
    const peer = sClient(server.port, '-psk_identity', identity, '-psk', wrongKeyHex, ...cipher);
    peer.write('never read\n');
    await server.box.until(() => server.refused.length > 0);
    expect(server.refused).toEqual(['dtls.timeout']);
    expect(server.box.texts).toEqual([]);
  });

  test('part over an unknown identity with alert 115', async () => {
    const server = await ourServer();
    const cipher = ['-cipher', 'PSK-AES128-CCM8:@SECLEVEL=0'];
    const peer = sClient(server.port, '-psk_identity', 'stranger', '-psk', keyHex, ...cipher);
    await peer.says(/alert number 115/);
    expect(server.refused).toEqual(['dtls.psk-refused']);
  });

  test('part at the end, on its close_notify', async () => {
    const server = await ourServer();
    const peer = sClient(server.port, '-psk_identity', identity, '-psk', keyHex);
    peer.write('hello\n');
    await server.box.until(() => server.box.texts.length > 0);
    await server.channel.close();
    expect(await peer.ended()).toBe(0);
  });
});

import { createServer } from 'coap';
import { once } from 'node:events';
import { createSocket } from 'node:dgram';
import { DtlsServerSocket } from './dtls-socket.ts';
import { endWithInput, print, readFlags } from './flags.ts';

// Answers every POST with 2.04, on node-coap; over DTLS by the addon when it has a key.
const flags = readFlags();
const udp = createSocket('udp4');
udp.bind(0, '127.0.0.1');
await once(udp, 'listening');
const server = createServer((_request, response) => {
  response.code = '2.04';
  response.end();
});
server.listen(flags.security ? new DtlsServerSocket(udp, flags.security) : udp);
print({ ready: true, port: udp.address().port });
endWithInput();

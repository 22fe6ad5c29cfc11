import { Agent, request } from 'coap';
import { createSocket, type Socket } from 'node:dgram';
import { DtlsClientSocket } from './dtls-socket.ts';
import { print, readFlags } from './flags.ts';
import { messageBody, runLoad } from './load.ts';

// Load on node-coap: an agent and a socket for each session. It knows no NSTART, so any number is under way.
const flags = readFlags();
const port = flags.number('port', 5683);
const sessions = flags.number('sessions', 1);
const body = Buffer.from(messageBody());

let suite = 'none';
const agents: Agent[] = [];
for (let i = 0; i < sessions; i++) {
  const udp = createSocket('udp4');
  if (!flags.security) {
    agents.push(new Agent({ socket: udp }));
    continue;
  }
  const socket = new DtlsClientSocket(udp, port, flags.security);
  suite = await socket.connected();
  // Of a socket the agent uses what DtlsClientSocket has.
  agents.push(new Agent({ socket: socket as unknown as Socket }));
}

let retransmissions = 0;
const measured = await runLoad(
  {
    sessions,
    outstanding: flags.number('outstanding', 1),
    measureMs: flags.number('ms', 3_000),
    warmupMs: flags.number('warmup-ms', 1_000),
  },
  session =>
    new Promise<boolean>((resolve, reject) => {
      const options = {
        hostname: '127.0.0.1',
        port,
        pathname: '/msgin5g',
        method: 'POST',
        agent: agents[session],
      } as const;
      const post = request({ ...options, headers: { 'Content-Format': 50 } });
      let sendings = 0;
      post.sender.on('sending', () => {
        if (++sendings > 1) retransmissions++;
      });
      post.on('response', answer => resolve(answer.code.startsWith('2.')));
      post.on('error', reject);
      post.on('timeout', reject);
      post.end(body);
    }),
);
print({ ...measured, retransmissions, suite });
process.exit(0);

import { join } from 'node:path';
import { BrowserSessions } from './access/browser-sessions.ts';
import { openSignInDoor } from './access/sign-in-door.ts';
import { systemClock } from './base/clock.ts';
import { splitHostPort } from './base/host-port.ts';
import { createLog, type Log } from './base/log.ts';
import { systemRandom } from './base/random.ts';
import { Gateway, type WorkingConfig } from './gateway.ts';
import { startLab } from './lab-process.ts';
import { labDirectory, type Options } from './options.ts';
import { forbidCoreDumps } from './secure/engine.ts';
import { suiteCodes } from './secure/suites.ts';
import { serveHttp, type HttpServer } from './service/http.ts';
import { createService } from './service/service.ts';
import { sourceOf } from './service/source-of.ts';
import { FileKeySource } from './session/file-key-source.ts';
import { createDtlsTransport } from './session/transport.ts';
import { configOf, working } from './site-config.ts';
import { onceAsked, Started } from './stopping.ts';
import { refuseIfLocked } from './store/lock.ts';
import { programDirectory, version } from './version.ts';

/** `fieldgate run`: the lab where it was asked for, the gateway, its dashboard; then the ready line. */
export async function run(options: Options): Promise<void> {
  const started = new Started();
  try {
    // Before the lab, which would take the files of the one that runs there.
    refuseIfLocked(options.dataDirectory);
    const lab = options.lab ? await startLab(labDirectory(options), createLog('info')) : undefined;
    if (lab) started.add(() => lab.stop());

    const config = working(configOf(options, lab?.site), options);
    const log = createLog(config.logLevel);
    if (!forbidCoreDumps()) log.warn('core dumps cannot be switched off: a crash may leave keys in a file');
    const gateway = createGateway(config, options, log);
    started.add(() => gateway.stop());
    await gateway.start();

    const sessions = new BrowserSessions();
    const http = await serve(gateway, sessions, lab !== undefined, log);
    started.add(() => http.close());
    const newLink = (): string => `${http.url}?token=${sessions.newToken()}`;
    started.add(await openSignInDoor(options.dataDirectory, newLink));
    gateway.store.announce(http.url);

    onceAsked(() => started.stopAll());
    await lab?.startDevices(deviceAddress(gateway));
    if (!options.headless) console.error('fieldgate: there is no window here yet; the dashboard is in the browser');
    console.log(`Fieldgate is ready: ${newLink()}`);
  } catch (error) {
    await started.stopAll();
    throw error;
  }
}

function createGateway(config: WorkingConfig, { dataDirectory }: Options, log: Log): Gateway {
  const { host, port, fqdn } = config.server;
  const suites = suiteCodes(config.akma.suites);
  return new Gateway(config, {
    dataDirectory,
    keySource: new FileKeySource({ path: config.akma.keyFile, clock: systemClock }),
    transport: createDtlsTransport({ host, port, fqdn, suites, clock: systemClock }),
    clock: systemClock,
    random: systemRandom,
    log,
  });
}

function serve(gateway: Gateway, sessions: BrowserSessions, isLab: boolean, log: Log): Promise<HttpServer> {
  return serveHttp({
    ...splitHostPort(gateway.config.listen),
    allowedHosts: gateway.config.allowedHosts,
    rendererDirectory: join(programDirectory, 'out', 'renderer'),
    service: createService(sourceOf(gateway, { version: version(), isLab }), log),
    sessions,
    health: () => healthOf(gateway),
    clock: systemClock,
    log,
  });
}

/** The code of what is in the way, undefined when nothing is. A session on its way up has no reason yet, and relays nothing. */
function healthOf({ store, session, links }: Gateway): string | undefined {
  const { state, reason } = session.status();
  const ofSession = state === 'up' ? undefined : (reason?.code ?? `session.${state}`);
  return store.status().reason?.code ?? ofSession ?? links.map(link => link.status().reason?.code).find(Boolean);
}

/** Where the simulated devices reach us: the wildcard address is not one that can be sent to. */
function deviceAddress(gateway: Gateway): string {
  const where = gateway.links.find(link => link.kind === 'udp')!.status().where;
  return where.replace(/^0\.0\.0\.0:/, '127.0.0.1:').replace(/^\[::\]:/, '[::1]:');
}

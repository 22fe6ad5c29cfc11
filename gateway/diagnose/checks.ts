import { createSocket } from 'node:dgram';
import { accessSync, closeSync, constants, existsSync, openSync, readSync, statfsSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { codeOf, hintOf, messageOf } from '../base/errors.ts';
import { splitHostPort } from '../base/host-port.ts';
import { engineVersion } from '../secure/engine.ts';
import { readKeyFile } from '../session/key-file.ts';
import { openCredentials } from '../store/credential.ts';
import { lockHolder } from '../store/lock.ts';
import { applicationId, newestVersion } from '../store/migrations.ts';
import type { DoctorConfig } from './doctor.ts';

/** `note` is worth reading and in nobody's way. */
export interface Finding {
  readonly level: 'ok' | 'note' | 'FAIL';
  readonly what: string;
  readonly sentence: string;
  readonly hint?: string;
}

const neededNodeMajor = 24;
/** A day of a busy site; below it a disk is as good as full. */
const lowDiskBytes = 500 * 1024 * 1024;

export function checkNode(version: string): Finding {
  const isEnough = Number(version.split('.')[0]) >= neededNodeMajor;
  return isEnough
    ? ok('node', `Node ${version}`)
    : fail(
        'node',
        `Node ${version} is older than ${neededNodeMajor}`,
        'start with bin/fieldgate.mjs: it takes the pinned Node',
      );
}

export function checkAddon(): Finding {
  try {
    return ok('addon', `loaded, ${engineVersion()}`);
  } catch (error) {
    return fail('addon', messageOf(error), 'node scripts/setup.mjs start builds it and says what it misses');
  }
}

/** The directory, who has it, how full its disk is, and the database's header, read as a file: no lock is taken. */
export function checkData(directory: string): Finding[] {
  if (!existsSync(directory)) return [ok('data', `${directory} is not there yet; the first start makes it`)];
  try {
    accessSync(directory, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch {
    return [
      fail(
        'data',
        `${directory} may not be written by this account`,
        'give it to this account, or choose another with --data',
      ),
    ];
  }
  return [
    ok('data', directory),
    checkDisk(directory),
    checkLock(directory),
    checkDatabase(join(directory, 'fieldgate.db')),
    ...checkCredentialKey(directory),
  ];
}

function checkCredentialKey(directory: string): Finding[] {
  if (!existsSync(join(directory, 'credential.key'))) return [];
  try {
    openCredentials(directory);
    return [ok('credentials', 'the key of the devices’ credentials is there')];
  } catch (error) {
    return [fail('credentials', messageOf(error), hintOf(error))];
  }
}

function checkDisk(directory: string): Finding {
  const { bavail, bsize } = statfsSync(directory);
  const megabytes = Math.round((bavail * bsize) / 1_000_000);
  return bavail * bsize > lowDiskBytes
    ? ok('disk', `${megabytes} MB free`)
    : fail('disk', `only ${megabytes} MB free`, 'make room: a full disk stops acknowledgements');
}

function checkLock(directory: string): Finding {
  const holder = lockHolder(directory);
  if (!holder) return ok('lock', 'nobody has the data directory');
  const at = holder.url ? ` at ${holder.url}` : '';
  return {
    level: 'note',
    what: 'lock',
    sentence: `process ${holder.pid} on ${holder.host} has it since ${holder.since}${at}`,
  };
}

/** user_version at 60 and application_id at 68, big endian. SQLite file format, section 1.3. */
function checkDatabase(path: string): Finding {
  if (!existsSync(path)) return ok('database', 'not there yet; the first start makes it');
  const header = Buffer.alloc(100);
  try {
    const file = openSync(path, 'r');
    try {
      readSync(file, header, 0, header.length, 0);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    return fail('database', `${path} cannot be read: ${messageOf(error)}`);
  }
  const version = header.readUInt32BE(60);
  if (header.toString('latin1', 0, 15) !== 'SQLite format 3')
    return fail('database', `${path} is not a SQLite file`, 'restore a backup');
  if (header.readUInt32BE(68) !== applicationId)
    return fail('database', `${path} belongs to another program`, 'choose another --data');
  if (version > newestVersion())
    return fail(
      'database',
      `version ${version} is newer than this program's ${newestVersion()}`,
      'start the newer Fieldgate',
    );
  if (isCut(header, statSync(path).size))
    return fail(
      'database',
      `${path} is damaged: it ends too early`,
      'keep a copy of the data directory, and restore a backup',
    );
  return ok('database', `version ${version}`);
}

/**
 * Whether the file is shorter than its header says: page size at 16, pages at 28, which count when the numbers at 24 and 92
 * are the same. SQLite file format, section 1.3.
 */
function isCut(header: Buffer, fileBytes: number): boolean {
  const pageBytes = header.readUInt16BE(16) === 1 ? 65_536 : header.readUInt16BE(16);
  const isCurrent = header.readUInt32BE(24) === header.readUInt32BE(92);
  return isCurrent && fileBytes < header.readUInt32BE(28) * pageBytes;
}

const notBound: Readonly<Record<string, readonly [sentence: string, hint?: string]>> = {
  EADDRNOTAVAIL: ['this machine does not have that address', '`ip address` lists those it has'],
  EACCES: ['not permitted', 'ports below 1024 need the right to bind them: choose a higher one'],
  ENOTFOUND: ['the name has no address', 'give a numeric address, such as 127.0.0.1'],
};

/** Ports that our own running gateway holds are as they should be. */
export async function checkPorts(config: DoctorConfig, isRunning: boolean): Promise<Finding[]> {
  const probes: [string, string, (host: string, port: number) => Promise<void>][] = [
    ['dashboard', config.listen, bindTcp],
    ['devices', config.deviceListen, bindUdp],
  ];
  return Promise.all(
    probes.map(async ([what, address, bind]) => {
      const { host, port } = splitHostPort(address);
      try {
        await bind(host, port);
        return ok(what, `${address} is free`);
      } catch (error) {
        const [sentence, hint] = notBound[codeOf(error)] ?? [messageOf(error)];
        if (codeOf(error) !== 'EADDRINUSE') return fail(what, `${address}: ${sentence}`, hint);
        if (isRunning) return ok(what, `${address} is in use, as it should be while the gateway runs`);
        return fail(what, `${address} is taken by another program`, '`ss -lntup` shows it; or choose another port');
      }
    }),
  );
}

export async function checkKey(config: DoctorConfig): Promise<Finding[]> {
  if (!config.akma)
    return [{ level: 'note', what: 'key', sentence: 'no server is configured, so no AKMA key is needed yet' }];
  try {
    const { aKid, kAkma, expiresAtMs } = await readKeyFile(config.akma.keyFile);
    kAkma.reveal().fill(0);
    const expiry = new Date(expiresAtMs).toISOString();
    return expiresAtMs > Date.now()
      ? [ok('key', `${aKid}, valid until ${expiry}`)]
      : [fail('key', `${aKid} expired at ${expiry}`, 're-authenticate to the network and provision the new key')];
  } catch (error) {
    return [fail('key', messageOf(error), hintOf(error))];
  }
}

export function checkSerial(config: DoctorConfig): Finding[] {
  return config.serial.map(({ id, path }) => {
    if (!existsSync(path))
      return fail(`serial ${id}`, `${path} is not there`, 'plug the adapter in, or correct serial[].path');
    try {
      accessSync(path, constants.R_OK | constants.W_OK);
      return ok(`serial ${id}`, path);
    } catch {
      return fail(
        `serial ${id}`,
        `${path} may not be opened by this account`,
        'sudo usermod -aG dialout $USER, then log in again',
      );
    }
  });
}

function bindTcp(host: string, port: number): Promise<void> {
  return new Promise((done, reject) => {
    const server = createServer().once('error', reject);
    server.listen(port, host, () => server.close(() => done()));
  });
}

function bindUdp(host: string, port: number): Promise<void> {
  return new Promise((done, reject) => {
    const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4').once('error', reject);
    socket.bind(port, host, () => socket.close(() => done()));
  });
}

function ok(what: string, sentence: string): Finding {
  return { level: 'ok', what, sentence };
}

function fail(what: string, sentence: string, hint?: string): Finding {
  return { level: 'FAIL', what, sentence, ...(hint ? { hint } : {}) };
}

import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { z } from 'zod';
import { fromUtf8, hex } from '../base/bytes.ts';
import { codeOf, GatewayError } from '../base/errors.ts';
import { Secret } from '../base/secret.ts';
import { aKidStrategies, defaultAKidStrategy, formatAKid, type AKidStrategy } from './a-kid.ts';

/** The provisioned anchor key, as a primary authentication left it. TS 33.535 §6.1. */
export interface ProvisionedKey {
  /** Digits of the IMSI, without "imsi-". */
  readonly supi: string;
  readonly aKid: string;
  readonly kAkma: Secret;
  /** Wall clock. */
  readonly expiresAtMs: number;
}

const octets32 = z.string().regex(/^[0-9a-f]{64}$/i, 'is not 64 hexadecimal digits');

const schema = z.object({
  supi: z.string().regex(/^\d{5,15}$/, 'is not the 5 to 15 digits of an IMSI, without "imsi-"'),
  /** A complete A-KID, used octet for octet; it wins over its parts. */
  aKid: z.string().min(1, 'is empty').optional(),
  /** Or what it is made of. */
  aKidParts: z
    .object({
      rid: z.string().regex(/^\d{1,4}$/, 'is not 1 to 4 digits'),
      aTid: octets32,
      mcc: z.string().regex(/^\d{3}$/, 'is not 3 digits'),
      mnc: z.string().regex(/^\d{2,3}$/, 'is not 2 or 3 digits'),
      strategy: z.enum(Object.keys(aKidStrategies) as [AKidStrategy]).default(defaultAKidStrategy),
    })
    .optional(),
  kAkma: octets32,
  expiresAt: z.iso.datetime({ offset: true, error: 'is not a date and time as 2026-12-31T00:00:00Z' }),
});

const seeForm = 'docs/configuration.md shows what stands in the file';

/** Ours: a key file is some 300 octets; this stops a mistaken path from being read into memory. */
const maxKeyFileBytes = 65_536;

/**
 * Reads and checks a key file. Nothing of its contents is ever part of an error: JSON's own message would quote it.
 * @throws GatewayError `akma.no-key`, `akma.key-file-mode`, `akma.key-file`
 */
export async function readKeyFile(path: string): Promise<ProvisionedKey> {
  const handle = await openKeyFile(path);
  try {
    await checkFile(handle, path);
    return parseKeyFile(await handle.readFile(), path);
  } finally {
    await handle.close();
  }
}

async function openKeyFile(path: string): Promise<FileHandle> {
  try {
    // Non-blocking, because opening a named pipe would otherwise wait for its writer.
    return await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (cause) {
    const code = codeOf(cause);
    if (code === 'ENOENT') {
      throw new GatewayError('akma.no-key', `there is no key file ${path}`, {
        hint: 'provision the AKMA key there, mode 0600; docs/configuration.md shows the file',
      });
    }
    const hint = code === 'EACCES' ? 'it must belong to the user that runs Fieldgate' : undefined;
    throw new GatewayError('akma.key-file', `cannot read the key file ${path}: ${code}`, { hint });
  }
}

async function checkFile(handle: FileHandle, path: string): Promise<void> {
  const stat = await handle.stat();
  if (!stat.isFile())
    throw new GatewayError('akma.key-file', `the key file ${path} is not a regular file`, {
      hint: 'correct akma.keyFile in the configuration',
    });
  if (stat.mode & 0o077) {
    const mode = (stat.mode & 0o777).toString(8).padStart(4, '0');
    throw new GatewayError('akma.key-file-mode', `the key file ${path} has mode ${mode}: others can reach the key`, {
      hint: `chmod 600 ${path}`,
    });
  }
  if (stat.size > maxKeyFileBytes) {
    throw new GatewayError('akma.key-file', `the key file ${path} has ${stat.size} octets, too many for a key file`, {
      hint: 'correct akma.keyFile in the configuration',
    });
  }
}

function parseKeyFile(octets: Uint8Array, path: string): ProvisionedKey {
  let document: unknown;
  try {
    document = JSON.parse(fromUtf8(octets) ?? '');
  } catch {
    throw new GatewayError('akma.key-file', `the key file ${path} is not JSON`, { hint: seeForm });
  } finally {
    octets.fill(0);
  }
  const result = schema.safeParse(document);
  if (!result.success) {
    const wrong = result.error.issues.map(
      issue => `${issue.path.join('.') || 'the document'} ${sentence(issue.message)}`,
    );
    throw new GatewayError('akma.key-file', `the key file ${path}: ${wrong.join('; ')}`, { hint: seeForm });
  }
  const { supi, kAkma, expiresAt } = result.data;
  const aKid = aKidOf(result.data);
  if (aKid === undefined)
    throw new GatewayError('akma.key-file', `the key file ${path}: neither aKid nor aKidParts is there`, {
      hint: seeForm,
    });
  return { supi, aKid, kAkma: new Secret(hex(kAkma)), expiresAtMs: Date.parse(expiresAt) };
}

function aKidOf({ aKid, aKidParts }: z.output<typeof schema>): string | undefined {
  if (aKid !== undefined || aKidParts === undefined) return aKid;
  return formatAKid({ ...aKidParts, aTid: hex(aKidParts.aTid) }, aKidStrategies[aKidParts.strategy]);
}

/** The schema's own sentences begin with "is"; zod's, which tell types, follow a colon. */
function sentence(message: string): string {
  return message.startsWith('is ') ? message : `is wrong: ${message}`;
}

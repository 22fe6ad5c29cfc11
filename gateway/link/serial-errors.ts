import { GatewayError, messageOf } from '../base/errors.ts';

/** The system's words, as the package serialport hands them over without a code, and ours. */
const reasons: readonly (readonly [RegExp, code: string, what: string, hint: string])[] = [
  [
    /no such file|no such device|not found/i,
    'link.serial-missing',
    'there is no such port',
    'plug the device in or correct the path; names in /dev/serial/by-id stay the same when ports are renumbered',
  ],
  [
    /permission denied|access denied/i,
    'link.serial-permission',
    'not permitted',
    'add this user to the group that owns the port: sudo usermod -aG dialout $USER, then log in again',
  ],
  [/cannot lock port|busy/i, 'link.serial-busy', 'in use', 'close other terminals and programs on this port'],
  [/inappropriate ioctl/i, 'link.serial-failed', 'it is not a serial port', 'correct the path'],
];

/** Why a serial port did not open. */
export function openFailure(path: string, cause: unknown): GatewayError {
  const found = reasons.find(([words]) => words.test(messageOf(cause)));
  const [, code, what, hint] = found ?? [
    ,
    'link.serial-failed',
    messageOf(cause),
    'unplug the device and plug it in again; dmesg tells more',
  ];
  return new GatewayError(code, `cannot open ${path}: ${what}`, { cause, hint });
}

/** Why an open serial port ended by itself. */
export function portLost(path: string, cause?: unknown): GatewayError {
  return new GatewayError('link.serial-unplugged', `${path} went away`, {
    cause,
    hint: 'plug the device in again; the link opens by itself',
  });
}

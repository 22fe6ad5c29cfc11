import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import type { Diagnostic, Link, LinkKind } from './link.ts';
import { createSerialLink } from './serial.ts';
import { createUdpLink } from './udp.ts';

/** What is configured of a link, by its kind. */
export interface LinkSettings {
  readonly udp: { readonly id: string; readonly host: string; readonly port: number };
  readonly serial: { readonly id: string; readonly path: string; readonly baudRate: number };
}

/** What a link takes from the program around it. */
export interface LinkWorld {
  readonly clock: Clock;
  readonly log: Log;
  readonly onDiagnostic?: (diagnostic: Diagnostic) => void;
}

/** The kinds of link and who makes them. A new kind is a line here and a file beside it. */
const makers: { readonly [Kind in LinkKind]: (settings: LinkSettings[Kind], world: LinkWorld) => Link } = {
  udp: (settings, world) => createUdpLink({ ...settings, clock: world.clock }),
  serial: (settings, world) => createSerialLink({ ...settings, ...world, log: world.log.child({ link: settings.id }) }),
};

export function createLink<Kind extends LinkKind>(kind: Kind, settings: LinkSettings[Kind], world: LinkWorld): Link {
  return makers[kind](settings, world);
}

import type { DeviceRecord, DeviceState, LinkRecord, Overview } from '../api/contract.ts';
import { formatCount } from './format.ts';
import { linkState, stateLook } from './states.ts';
import { texts } from './texts/index.ts';

/** One carrier with its devices, as the map and the list show it. Without a link: devices that never came over one. */
export interface SiteRow {
  readonly link?: LinkRecord;
  readonly label: string;
  readonly devices: readonly DeviceRecord[];
  /** What is not as it should be, in words. */
  readonly trouble?: string;
}

export interface Mark {
  readonly device: DeviceRecord;
  readonly x: number;
  readonly y: number;
  readonly name?: string;
}

export interface PlacedRow extends SiteRow {
  /** The middle of the link's box. */
  readonly y: number;
  readonly marks: readonly Mark[];
  readonly more: number;
}

/** Devices that need somebody first, so that a map with too many for its place never leaves those out. */
export const severity: Readonly<Record<DeviceState, number>> = {
  'link-lost': 0,
  deregistered: 1,
  absent: 2,
  registered: 3,
};

export function siteRows({ links, devices }: Pick<Overview, 'links' | 'devices'>): SiteRow[] {
  const all = Object.values(links);
  const byLink = Map.groupBy(Object.values(devices), ({ linkId }) =>
    linkId !== undefined && Object.hasOwn(links, linkId) ? linkId : undefined,
  );
  const rows: SiteRow[] = all.map(link => {
    const isOnly = all.filter(({ kind }) => kind === link.kind).length === 1;
    const here = byLink.get(link.id) ?? [];
    return {
      link,
      label: isOnly ? texts.site.kinds[link.kind] : link.id,
      devices: here,
      trouble: troubleOf(here, link),
    };
  });
  const unlinked = byLink.get(undefined);
  return unlinked ? [...rows, { label: texts.site.unlinked, devices: unlinked, trouble: troubleOf(unlinked) }] : rows;
}

function troubleOf(devices: readonly DeviceRecord[], link?: LinkRecord): string | undefined {
  const lost = devices.filter(({ state }) => state === 'link-lost').length;
  const absent = devices.filter(({ state }) => state === 'absent' || state === 'deregistered').length;
  if (link && link.state !== 'open') return stateLook('link', linkState(link)).word.toLowerCase();
  if (lost > 0) return texts.figures.linkLost(lost);
  return absent > 0 ? texts.figures.notRegistered(absent) : undefined;
}

const rowHeight = 94;
const marksLeft = 16;
const markPitch = { x: 9.03, y: 11 };
const marksInLine = 29;
const markLines = 4;
/** So few that each can have its name beside its mark. */
const namedDevices = 3;
const namePitch = 17;

/** Where everything stands, in a drawing 780 wide. */
export function placeSite(rows: readonly SiteRow[]): { height: number; rows: PlacedRow[] } {
  const height = Math.max(214, rowHeight * rows.length + 10);
  const top = (height - rowHeight * rows.length) / 2;
  const room = marksInLine * markLines;
  return {
    height,
    rows: rows.map((row, index) => {
      const y = top + rowHeight * index + 47;
      const isCrowded = row.devices.length > room;
      const shown = isCrowded
        ? [...row.devices].sort((a, b) => severity[a.state] - severity[b.state]).slice(0, room)
        : row.devices;
      return {
        ...row,
        y,
        more: row.devices.length - shown.length,
        marks: shown.map((device, at) => placeMark(device, at, shown.length, y)),
      };
    }),
  };
}

function placeMark(device: DeviceRecord, at: number, count: number, y: number): Mark {
  if (count <= namedDevices) return { device, x: marksLeft, y: y - 12 + namePitch * at, name: device.name };
  return {
    device,
    x: Math.round((marksLeft + markPitch.x * (at % marksInLine)) * 10) / 10,
    y: y - 14 + markPitch.y * Math.floor(at / marksInLine),
  };
}

/** The line from a link to the gateway, bent where they are not level. */
export function edgePath(fromY: number, toY: number): string {
  return `M432 ${fromY}H450C468 ${fromY} 462 ${toY} 486 ${toY}`;
}

/** `7.2/s up · 0.6/s down` and how many devices where, for the list. */
export function countWords(row: SiteRow): string {
  return row.link
    ? texts.site.listDevices(row.devices.length, row.link.where)
    : `${formatCount(row.devices.length)} ${texts.site.devices(row.devices.length)}`;
}

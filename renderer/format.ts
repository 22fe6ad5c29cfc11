/** Every format of the dashboard, in one place. Times are wall-clock milliseconds of the gateway. */

const thinSpace = '\u202f';
const noBreakSpace = '\u00a0';
/** No value. */
export const dash = '–';

const groups = new Intl.NumberFormat('en', { useGrouping: true, maximumFractionDigits: 0 });

/** `48 209`; a real minus sign. */
export function formatCount(value: number): string {
  return groups.format(value).replaceAll(',', thinSpace).replace('-', '−');
}

/** One decimal: `18.4`. */
export function formatRate(value: number | undefined): string {
  return value === undefined ? dash : value.toFixed(1);
}

/** `0.4`, `84`, `1 204`: one decimal where it tells something. */
export function formatMs(value: number | undefined): string {
  if (value === undefined) return dash;
  return value < 10 && !Number.isInteger(value) ? value.toFixed(1) : formatCount(Math.round(value));
}

/** Percent with two decimals: `0.42`. */
export function formatPercent(part: number, whole: number): string {
  return whole === 0 ? dash : ((100 * part) / whole).toFixed(2);
}

export function formatBytes(count: number): string {
  return count < 1_000 ? `${count}${noBreakSpace}B` : `${(count / 1_000).toFixed(1)}${noBreakSpace}kB`;
}

const units: readonly [number, string][] = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'min'],
  [1_000, 's'],
];

/** `12 s`, `22 min`, `3 h`, `94 days`. Below a second it is `0 s`: an age that counts is still. */
export function formatAge(ms: number): string {
  const [unitMs, name] = units.find(([least]) => ms >= least) ?? units[3];
  const count = Math.max(0, Math.floor(ms / unitMs));
  if (name !== 'd') return `${count}${noBreakSpace}${name}`;
  return `${count}${noBreakSpace}${count === 1 ? 'day' : 'days'}`;
}

const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const dayAndClock = new Intl.DateTimeFormat('en-GB', {
  day: 'numeric',
  month: 'short',
  hour: '2-digit',
  minute: '2-digit',
});
const zone = new Intl.DateTimeFormat('en-GB', { timeZoneName: 'short' });

/** `14:22:06` today, `18 Nov 10:04` before. */
export function formatTime(atMs: number, nowMs: number): string {
  const isToday = new Date(atMs).toDateString() === new Date(nowMs).toDateString();
  return isToday ? clock.format(atMs) : dayAndClock.format(atMs).replace(',', '');
}

/** `14:22:07 CET` */
export function formatClock(atMs: number): string {
  const name = zone.formatToParts(atMs).find(part => part.type === 'timeZoneName')?.value ?? '';
  return `${clock.format(atMs)} ${name}`;
}

/** What hover, focus and copy give. */
export function formatIso(atMs: number): string {
  return new Date(atMs).toISOString();
}

/** `4bf92f35…2dc71a`: both ends of an ID stay, since they are what people compare. */
export function cutMiddle(text: string, characters: number): string {
  if (text.length <= characters) return text;
  const head = Math.ceil((characters - 1) / 2);
  return `${text.slice(0, head)}…${text.slice(text.length - (characters - 1 - head))}`;
}

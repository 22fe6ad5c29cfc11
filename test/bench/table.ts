/** Several measurements of one thing. */
export interface Spread {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  return {
    median: sorted[Math.floor(sorted.length / 2)] ?? Number.NaN,
    least: sorted[0] ?? Number.NaN,
    most: sorted.at(-1) ?? Number.NaN,
  };
}

/** `54 900`: three significant digits are what two cores give. */
export function shownRate(perSecond: number): string {
  if (!Number.isFinite(perSecond)) return '-';
  const digits = Math.max(0, Math.floor(Math.log10(Math.max(1, perSecond))) - 2);
  return String(Math.round(perSecond / 10 ** digits) * 10 ** digits).replace(/\B(?=(\d{3})+$)/g, ' ');
}

/** `0.29 ms` */
export function shownMs(us: number): string {
  return Number.isFinite(us) ? `${(us / 1_000).toFixed(us < 10_000 ? 2 : 0)} ms` : '-';
}

/** A Markdown table, its columns aligned for the terminal too. */
export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((name, column) => Math.max(name.length, ...rows.map(row => (row[column] ?? '').length)));
  const line = (cells: readonly string[]) => `| ${cells.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(' | ')} |`;
  return [line(head), `|${widths.map(width => '-'.repeat(width + 2)).join('|')}|`, ...rows.map(line)].join('\n');
}

/** What a cell of rates tells: median, spread, p50 and whatever went wrong on the way. */
export function rateCell(
  samples: readonly { perSecond: number; p50us: number; retransmissions: number; failures: number }[],
  ...more: readonly string[]
): string {
  if (samples.length === 0) return '-';
  const { median, least, most } = spreadOf(samples.map(sample => sample.perSecond));
  const retransmissions = samples.reduce((sum, sample) => sum + sample.retransmissions, 0);
  const failures = samples.reduce((sum, sample) => sum + sample.failures, 0);
  return [
    `**${shownRate(median)}**`,
    ...(samples.length > 1 ? [`${shownRate(least)} to ${shownRate(most)}`] : []),
    shownMs(spreadOf(samples.map(sample => sample.p50us)).median),
    ...more,
    ...(retransmissions > 0 ? [`${retransmissions} retransmitted`] : []),
    ...(failures > 0 ? [`${failures} failed`] : []),
  ].join('; ');
}

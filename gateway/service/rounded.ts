/** One decimal below 100, none above: what nobody can see on the page need not be sent. */
export function rounded(value: number): number {
  return value < 100 ? Math.round(value * 10) / 10 : Math.round(value);
}

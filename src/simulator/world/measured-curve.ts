/** A function measured at a few points: linear between them, and past the ends along the last two. */
export class MeasuredCurve {
  readonly #xs: readonly number[];
  readonly #ys: readonly number[];

  /** At least one point; several at the same x are averaged. */
  constructor(points: readonly (readonly [number, number])[]) {
    const sums = new Map<number, { total: number; count: number }>();
    for (const [x, y] of points) {
      const sum = sums.get(x) ?? { total: 0, count: 0 };
      sums.set(x, { total: sum.total + y, count: sum.count + 1 });
    }
    const sorted = [...sums].sort(([one], [other]) => one - other);
    this.#xs = sorted.map(([x]) => x);
    this.#ys = sorted.map(([, { total, count }]) => total / count);
  }

  at(x: number): number {
    const index = Math.max(0, Math.min(lastAtOrBelow(this.#xs, x), this.#xs.length - 2));
    const [x0 = Number.NaN, x1] = [this.#xs[index], this.#xs[index + 1]];
    const [y0 = Number.NaN, y1] = [this.#ys[index], this.#ys[index + 1]];
    if (x1 === undefined || y1 === undefined) return y0;
    return y0 + ((x - x0) / (x1 - x0)) * (y1 - y0);
  }
}

/** Index of the last of the ascending values that is not above x; -1 when all are. */
export function lastAtOrBelow(values: readonly number[], x: number): number {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((values[middle] ?? Number.POSITIVE_INFINITY) <= x) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** Upper bounds in seconds, from half a millisecond to a minute: about five to a decade. */
const BOUNDS = [
  0.0005, 0.001, 0.0016, 0.0025, 0.004, 0.0063, 0.01, 0.016, 0.025, 0.04, 0.063, 0.1, 0.16, 0.25, 0.4, 0.63, 1, 1.6,
  2.5, 4, 6.3, 10, 25, 60,
] as const;

export interface HistogramFigures {
  /** Observations at or below each bound, as Prometheus counts them. */
  readonly buckets: readonly { readonly bound: number; readonly count: number }[];
  readonly sum: number;
  readonly count: number;
}

/** A histogram as a Prometheus client keeps it. */
export class StepHistogram {
  readonly #counts = new Array<number>(BOUNDS.length + 1).fill(0);
  #sum = 0;
  #count = 0;

  observe(seconds: number): void {
    const found = BOUNDS.findIndex((bound) => seconds <= bound);
    const index = found === -1 ? BOUNDS.length : found;
    this.#counts[index] = (this.#counts[index] ?? 0) + 1;
    this.#sum += seconds;
    this.#count += 1;
  }

  read(): HistogramFigures {
    let below = 0;
    const buckets = BOUNDS.map((bound, index) => {
      below += this.#counts[index] ?? 0;
      return { bound, count: below };
    });
    return { buckets, sum: this.#sum, count: this.#count };
  }
}

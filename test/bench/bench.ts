/** One benchmark: what it measured, by name. Every figure that is promised has a range in `ranges.json`. */
export interface Bench {
  /** Key of its figures in `.dev/results/bench.json`. */
  readonly key: string;
  readonly title: string;
  run(report: (line: string) => void): Promise<Figures>;
}

export type Figures = Readonly<Record<string, number>>;

/** What a figure may be, and where that bound comes from. */
export interface Range {
  readonly min?: number;
  readonly max?: number;
  readonly evidence: string;
}

/** What is wrong with the figures of one benchmark: a promised figure that is missing, no number, or out of range. */
export function violations(figures: Figures, ranges: Readonly<Record<string, Range>>): readonly string[] {
  return Object.entries(ranges).flatMap(
    ([name, { min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY }]) => {
      const value = figures[name];
      if (value === undefined || Number.isNaN(value)) return [`${name} was not measured`];
      if (value < min) return [`${name} is ${value}, at least ${min} is promised`];
      return value > max ? [`${name} is ${value}, at most ${max} is promised`] : [];
    },
  );
}

import { lastAtOrBelow } from './measured-curve.ts';
import type { Course, GradientMoments } from './training-world.ts';

/** One whole training at one batch, looked at a few times; the last look is the end. */
export interface MeasuredRun {
  readonly globalBatchSize: number;
  readonly looks: readonly {
    /** Steps at the smallest batch that were worth as much. */
    readonly progress: number;
    readonly steps: number;
    readonly signal: number;
    readonly trace: number;
  }[];
}

interface GriddedRun {
  readonly globalBatchSize: number;
  readonly steps: readonly number[];
  readonly gradients: readonly GradientMoments[];
}

/**
 * Trainings at any batch, between those that were measured. Steps to the same progress are linear in 1/B between two
 * measured batches, as S(B) = S_min·(1 + B_noise/B) says; every run ends where its measurement did. Batches outside the
 * measured ones train as the nearest.
 */
export class MeasuredCourses {
  readonly #shares: readonly number[];
  readonly #runs: readonly GriddedRun[];
  readonly #courses = new Map<number, Course>();

  constructor(runs: readonly MeasuredRun[]) {
    const sorted = [...runs].sort((one, other) => one.globalBatchSize - other.globalBatchSize);
    const reference = sorted[0];
    if (reference === undefined) throw new Error('a course needs one measured run or more');
    // All runs were looked at after about the same progress; the smallest batch's looks are the grid.
    this.#shares = [0, ...sharesOf(reference)];
    this.#runs = sorted.map((run) => onGrid(run, this.#shares));
  }

  get batchSizes(): readonly number[] {
    return this.#runs.map((run) => run.globalBatchSize);
  }

  at(globalBatchSize: number): Course {
    const known = this.#courses.get(globalBatchSize);
    if (known !== undefined) return known;
    const course = this.#interpolate(globalBatchSize);
    this.#courses.set(globalBatchSize, course);
    return course;
  }

  #interpolate(batch: number): Course {
    const index = lastAtOrBelow(this.batchSizes, batch);
    const below = this.#runs[Math.max(0, index)];
    const above = this.#runs[index + 1] ?? below;
    if (below === undefined || above === undefined) throw new Error('a course needs one measured run or more');
    const span = 1 / above.globalBatchSize - 1 / below.globalBatchSize;
    const weight = index < 0 || span === 0 ? 0 : (1 / batch - 1 / below.globalBatchSize) / span;
    const mix = (one: number, other: number | undefined) => one + weight * ((other ?? one) - one);
    return new GridCourse(
      this.#shares,
      below.steps.map((steps, look) => mix(steps, above.steps[look])),
      below.gradients.map(({ signal, trace }, look) => ({
        signal: mix(signal, above.gradients[look]?.signal),
        trace: mix(trace, above.gradients[look]?.trace),
      })),
    );
  }
}

function sharesOf(run: MeasuredRun): readonly number[] {
  const end = run.looks.at(-1)?.progress ?? Number.NaN;
  return run.looks.map((look) => look.progress / end);
}

function onGrid(run: MeasuredRun, shares: readonly number[]): GriddedRun {
  const own = [0, ...sharesOf(run)];
  const steps = [0, ...run.looks.map((look) => look.steps)];
  return {
    globalBatchSize: run.globalBatchSize,
    steps: shares.map((share) => linear(own, steps, share)),
    gradients: shares.slice(1).map((share, look) => {
      const middle = (share + (shares[look] ?? 0)) / 2;
      const found = run.looks[Math.min(lastAtOrBelow(own, middle), run.looks.length - 1)];
      return { signal: found?.signal ?? Number.NaN, trace: found?.trace ?? Number.NaN };
    }),
  };
}

/** Piecewise linear from `xs` to `ys`, both ascending and of one length; held at the ends. */
function linear(xs: readonly number[], ys: readonly number[], x: number): number {
  const index = lastAtOrBelow(xs, x);
  const [x0, x1] = [xs[index], xs[index + 1]];
  const [y0, y1] = [ys[index], ys[index + 1]];
  if (x0 === undefined || y0 === undefined) return ys[0] ?? Number.NaN;
  if (x1 === undefined || y1 === undefined) return y0;
  return y0 + ((x - x0) / (x1 - x0)) * (y1 - y0);
}

class GridCourse implements Course {
  readonly #shares: readonly number[];
  readonly #steps: readonly number[];
  readonly #gradients: readonly GradientMoments[];

  constructor(shares: readonly number[], steps: readonly number[], gradients: readonly GradientMoments[]) {
    this.#shares = shares;
    this.#steps = steps;
    this.#gradients = gradients;
  }

  get steps(): number {
    return this.#steps.at(-1) ?? Number.NaN;
  }

  stepsAt(share: number): number {
    return linear(this.#shares, this.#steps, share);
  }

  shareAt(steps: number): number {
    return linear(this.#steps, this.#shares, steps);
  }

  gradients(fromShare: number, toShare: number): GradientMoments | undefined {
    const last = this.#gradients.length - 1;
    const first = Math.min(last, Math.max(0, lastAtOrBelow(this.#shares, fromShare)));
    const total = this.stepsAt(toShare) - this.stepsAt(fromShare);
    if (!(total > 0)) return this.#gradients[first];
    let signal = 0;
    let trace = 0;
    for (let look = first; look <= last && (this.#shares[look] ?? 1) < toShare; look++) {
      const from = Math.max(fromShare, this.#shares[look] ?? 0);
      const to = Math.min(toShare, this.#shares[look + 1] ?? 1);
      const part = (this.stepsAt(to) - this.stepsAt(from)) / total;
      signal += part * (this.#gradients[look]?.signal ?? 0);
      trace += part * (this.#gradients[look]?.trace ?? 0);
    }
    return { signal, trace };
  }
}

/**
 * The model without overlap and accumulation, T = a' + b·B/n, S(B) = S_min·(1 + B_noise/B): its minima in closed form.
 * Exact there; for the planner they are a sanity check and a start.
 */
export interface ComputeBoundTraining {
  /** a': seconds of a step whatever its batch: the overhead of a pass and the exchange. */
  readonly overheadSeconds: number;
  /** b: seconds per sample on one rank. */
  readonly secondsPerSample: number;
  readonly gradientNoiseScale: number;
  /** S_min: steps with an endless batch. */
  readonly minimumSteps: number;
}

/**
 * Global batch at which n ranks are cheapest, and at the same time fastest: sqrt(a'·n·B_noise/b). With one rank this
 * is the square-root rule, the geometric mean of the overhead batch a/b and the noise scale.
 */
export function cheapestGlobalBatch(
  training: Pick<ComputeBoundTraining, 'overheadSeconds' | 'secondsPerSample' | 'gradientNoiseScale'>,
  ranks: number,
): number {
  const { overheadSeconds: a, secondsPerSample: b, gradientNoiseScale: noise } = training;
  return Math.sqrt((a * ranks * noise) / b);
}

/** Seconds to target of n ranks at their cheapest batch: S_min·(√a' + √(b·B_noise/n))². */
export function leastSeconds(training: ComputeBoundTraining, ranks: number): number {
  const { overheadSeconds: a, secondsPerSample: b, gradientNoiseScale: noise, minimumSteps } = training;
  return minimumSteps * (Math.sqrt(a) + Math.sqrt((b * noise) / ranks)) ** 2;
}

/** Cost to target of n ranks at their cheapest batch; grows with n, so that speed is always bought. */
export function leastCost(training: ComputeBoundTraining, ranks: number, pricePerRankSecond: number): number {
  return pricePerRankSecond * ranks * leastSeconds(training, ranks);
}

/** No number of ranks is faster than this: S_min·a'. */
export function latencyFloorSeconds({ minimumSteps, overheadSeconds }: ComputeBoundTraining): number {
  return minimumSteps * overheadSeconds;
}

/** Fewest ranks, not rounded, that reach the target in so many seconds; undefined where no number does. */
export function leastRanks(training: ComputeBoundTraining, seconds: number): number | undefined {
  const { overheadSeconds: a, secondsPerSample: b, gradientNoiseScale: noise, minimumSteps } = training;
  if (seconds <= latencyFloorSeconds(training)) return undefined;
  return (b * noise) / (Math.sqrt(seconds / minimumSteps) - Math.sqrt(a)) ** 2;
}

/**
 * Cheapest number of ranks, not rounded, where every second also costs `fixedPerSecond` whatever the ranks, the value of
 * time included: the minimum of (n·r + F)·(√a' + √(b·B_noise/n))², n = (F·√(b·B_noise) / (r·√a'))^(2/3).
 */
export function cheapestRanks(
  training: ComputeBoundTraining,
  pricePerRankSecond: number,
  fixedPerSecond: number,
): number {
  const { overheadSeconds: a, secondsPerSample: b, gradientNoiseScale: noise } = training;
  return ((fixedPerSecond * Math.sqrt(b * noise)) / (pricePerRankSecond * Math.sqrt(a))) ** (2 / 3);
}

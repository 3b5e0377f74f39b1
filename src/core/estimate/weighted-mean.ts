/** A mean with the sum of its weights and the weighted sum of squares of the deviations from it. */
export interface WeightedMean {
  readonly mean: number;
  readonly weight: number;
  readonly spread: number;
}

/** One step of West's weighted mean and sum of squares (West 1979, Communications of the ACM 22, 532). */
export function average(old: WeightedMean, added: { readonly value: number; readonly weight: number }): WeightedMean {
  const weight = old.weight + added.weight;
  const mean = old.mean + (added.weight / weight) * (added.value - old.mean);
  return { mean, weight, spread: old.spread + added.weight * (added.value - old.mean) * (added.value - mean) };
}

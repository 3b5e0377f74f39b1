/** A stepped curve needs the samples at which its value changes, and the last one. */
export function changesOnly<T extends { readonly value: number }>(samples: readonly T[]): readonly T[] {
  return samples.filter(
    ({ value }, index) => index === 0 || index === samples.length - 1 || value !== samples[index - 1]?.value,
  );
}

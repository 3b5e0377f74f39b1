import type { AllowedSizes, JobLimits } from '../snapshot.ts';

/** Numbers of workers that the user allows, in rising order; at least the smallest one that is legal. */
export function allowedReplicas(limits: JobLimits): readonly number[] {
  const all = range(limits.minReplicas, limits.maxReplicas).filter((size) => isAllowed(limits.sizes, size));
  return all.length > 0 ? all : [limits.minReplicas];
}

export function isAllowed(sizes: AllowedSizes, replicas: number): boolean {
  switch (sizes.type) {
    case 'Any':
      return true;
    case 'PowersOfTwo':
      return Number.isInteger(Math.log2(replicas));
    case 'MultipleOf':
      return replicas % sizes.multipleOf === 0;
    case 'List':
      return sizes.values.includes(replicas);
  }
}

function range(from: number, to: number): number[] {
  return Array.from({ length: Math.max(0, to - from + 1) }, (_, index) => from + index);
}

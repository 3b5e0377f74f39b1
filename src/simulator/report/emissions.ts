import type { SimulationResult } from '../result.ts';
import { isKnown } from './quantities.ts';

/** Emissions that were summed; undefined where no carbon intensity was known, so that nothing summed is not told as zero. */
export function emissions(co2eKg: number, { series }: SimulationResult): number | undefined {
  const known = co2eKg > 0 || series.energy.some(({ carbonGramsPerKwh }) => isKnown(carbonGramsPerKwh));
  return known ? co2eKg : undefined;
}

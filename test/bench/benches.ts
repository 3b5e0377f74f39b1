import { b7Estimation } from './b7-estimation.bench.ts';
import type { Bench } from './bench.ts';

/** In the order in which they run: the cheap ones first. */
export const benches: readonly Bench[] = [b7Estimation];

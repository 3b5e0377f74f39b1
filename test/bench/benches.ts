import { b1 } from './b1-cluster-replay.bench.ts';
import type { Bench } from './bench.ts';
import { calibration } from './calibration.bench.ts';

/** In the order in which they run: the cheap ones first. */
export const benches: readonly Bench[] = [calibration, b1];

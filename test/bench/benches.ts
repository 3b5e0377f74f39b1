import { b5 } from './b5-time-varying.bench.ts';
import { b6 } from './b6-mixed-gpus.bench.ts';
import type { Bench } from './bench.ts';
import { polluxBench } from './pollux.bench.ts';

/** In the order in which they run: the cheap ones first. */
export const benches: readonly Bench[] = [b6, b5, polluxBench];

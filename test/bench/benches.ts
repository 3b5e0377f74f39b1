import type { Bench } from './bench.ts';
import { polluxBench } from './pollux.bench.ts';

/** In the order in which they run: the cheap ones first. */
export const benches: readonly Bench[] = [polluxBench];

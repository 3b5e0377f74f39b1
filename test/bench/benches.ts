import { b1 } from './b1-cluster-replay.bench.ts';
import { b2Peers } from './b2-peers.bench.ts';
import { b2 } from './b2-value-of-time.bench.ts';
import { b3 } from './b3-deadlines.bench.ts';
import { b5 } from './b5-time-varying.bench.ts';
import { b6 } from './b6-mixed-gpus.bench.ts';
import { b7Estimation } from './b7-estimation.bench.ts';
import { b8 } from './b8-decision-time.bench.ts';
import type { Bench } from './bench.ts';
import { calibration } from './calibration.bench.ts';
import { coldStart } from './cold-start.bench.ts';
import { forecastBench } from './forecast.bench.ts';
import { forecastPlans } from './forecast-plans.bench.ts';
import { history } from './history.bench.ts';
import { operatorBench } from './operator.bench.ts';
import { polluxBench } from './pollux.bench.ts';
import { recurring } from './recurring.bench.ts';

/** In the order in which they run: the cheap ones first. */
export const benches: readonly Bench[] = [
  operatorBench,
  calibration,
  forecastBench,
  history,
  recurring,
  forecastPlans,
  b6,
  b7Estimation,
  b8,
  b3,
  b5,
  b2,
  b2Peers,
  coldStart,
  b1,
  polluxBench,
];

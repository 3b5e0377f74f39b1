import type { Order } from '../fleet/carry-out.ts';
import type { SimulatedJob } from '../fleet/simulated-job.ts';
import { normalNumbers } from '../random.ts';
import type { PoolSpec, Scenario } from '../scenario.ts';
import type { EnergySeries } from '../traces/energy.ts';
import { mainPool, targetFor } from './layouts.ts';
import type { Fleet, Policy } from './policy.ts';
import { type SpeedTable, speedTable } from './speed.ts';

const SECONDS_PER_HOUR = 3600;
/** A job without a deadline is planned for so long. */
const OPEN_HORIZON_SECONDS = 24 * SECONDS_PER_HOUR;
/** Work planned beyond what is left, for restarts and forecasts that were wrong. */
const RESERVE_SHARE = 0.1;

/**
 * Carbon by marginal efficiency, after CarbonScaler (Hanafy et al., 2023): the hours until the deadline and the steps
 * from one size to the next are taken in the order of work done per gram until the work is covered. Jobs do not know of
 * each other; who comes first takes what there is. It knows the true step times and works at the user's batch.
 */
export function carbonGreedy(scenario: Scenario, startsAt: number, energy: ReadonlyMap<string, EnergySeries>): Policy {
  const forecast = noisyForecast(scenario);
  return {
    name: 'CarbonGreedy',
    decide(fleet: Fleet) {
      const pool = mainPool(fleet.cluster.pools);
      const series = pool.zone === undefined ? undefined : energy.get(pool.zone);
      const carbonAt = (hour: number) => {
        const grams = series?.at(startsAt + hour * SECONDS_PER_HOUR).carbonGramsPerKwh ?? 1;
        return hour * SECONDS_PER_HOUR <= fleet.now ? grams : forecast(hour, grams);
      };
      let free = fleet.jobs.reduce((sum, job) => sum + job.gpus, fleet.cluster.freeGpus(pool, fleet.now));
      const orders: Order[] = [];
      for (const job of fleet.jobs) {
        const table = speedTable(job, pool);
        const wanted = sizeNow(table, fleet.now, carbonAt);
        const gpus = table.sizes.findLast((size) => size.gpus <= Math.min(wanted, free))?.gpus ?? 0;
        free -= gpus;
        orders.push(...orderFor(job, gpus, pool));
      }
      return { orders };
    },
  };
}

function orderFor(job: SimulatedJob, gpus: number, pool: PoolSpec): readonly Order[] {
  if (gpus === 0) return job.target === undefined ? [] : [{ job, kind: 'Pause' }];
  const { world, requested } = job.arriving;
  return [{ job, kind: 'Run', target: targetFor(world, pool, gpus, requested.globalBatchSize) }];
}

/** GPUs in the present hour. */
function sizeNow(table: SpeedTable, now: number, carbonAt: (hour: number) => number): number {
  const end = Math.max(table.job.arriving.deadline ?? now + OPEN_HORIZON_SECONDS, now + 60);
  const first = Math.floor(now / SECONDS_PER_HOUR);
  const items: { hour: number; gpus: number; work: number; efficiency: number }[] = [];
  for (let hour = first; hour * SECONDS_PER_HOUR < end; hour++) {
    const seconds = Math.min(end, (hour + 1) * SECONDS_PER_HOUR) - Math.max(now, hour * SECONDS_PER_HOUR);
    let before = { gpus: 0, stepsPerSecond: 0 };
    let least = Number.POSITIVE_INFINITY;
    for (const size of table.sizes) {
      const gain = (size.stepsPerSecond - before.stepsPerSecond) / (size.gpus - before.gpus);
      // No step is taken before the one below it.
      least = Math.min(least, gain / Math.max(1e-9, carbonAt(hour)));
      const work = (size.stepsPerSecond - before.stepsPerSecond) * seconds;
      items.push({ hour, gpus: size.gpus, work, efficiency: least });
      before = size;
    }
  }
  items.sort((one, other) => other.efficiency - one.efficiency || one.gpus - other.gpus || one.hour - other.hour);
  let left = table.stepsLeft * (1 + RESERVE_SHARE);
  let gpus = 0;
  for (const item of items) {
    if (left <= 0) break;
    left -= item.work;
    if (item.hour === first) gpus = Math.max(gpus, item.gpus);
  }
  return gpus;
}

/** The hour's value as forecast: the same error for the same hour, however often it is asked. */
function noisyForecast({ forecastNoise, seed }: Scenario): (hour: number, value: number) => number {
  return (hour, value) => {
    if (forecastNoise === 0) return value;
    return value * Math.max(0.05, 1 + forecastNoise * normalNumbers(seed * 104_729 + hour)());
  };
}

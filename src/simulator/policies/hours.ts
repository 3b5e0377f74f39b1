import type { PoolHour, PoolSnapshot } from '../../core/snapshot.ts';
import { normalNumbers } from '../random.ts';
import type { PoolSpec, Scenario } from '../scenario.ts';
import type { EnergyHour, EnergySeries } from '../traces/energy.ts';

const SECONDS_PER_HOUR = 3600;
/** A week, as far as an operator looks. */
const HOURS_AHEAD = 168;
/** The scenario's error of a forecast is that of a day ahead; it grows with the square root of the lead. */
const HOURS_OF_STATED_ERROR = 24;
/** No error turns a price over. */
const LEAST_SHARE = 0.05;

type Hours = Pick<PoolSnapshot, 'hours' | 'kilowattsPerGpu'>;

/**
 * What an operator hears of the hours to come, pool by pool: nothing unless the scenario's objective follows them. The
 * hour that has begun is known.
 */
export function hoursOfPools(
  scenario: Scenario,
  startsAt: number,
  energy: ReadonlyMap<string, EnergySeries>,
): (pool: PoolSpec, now: number) => Hours {
  if (scenario.objective.hours === 'Ignored') return () => ({});
  const heard = new Map<string, { readonly hour: number; readonly hours: readonly PoolHour[] }>();
  return (pool, now) => {
    const series = pool.zone === undefined ? undefined : energy.get(pool.zone);
    if (series === undefined) return {};
    const hour = Math.floor((startsAt + now) / SECONDS_PER_HOUR);
    const before = heard.get(pool.name);
    const hours = before?.hour === hour ? before.hours : forecast(pool, scenario, series, hour);
    heard.set(pool.name, { hour, hours });
    return { hours, kilowattsPerGpu: kilowattsPerGpu(pool) };
  };
}

function forecast(pool: PoolSpec, scenario: Scenario, series: EnergySeries, first: number): readonly PoolHour[] {
  return Array.from({ length: HOURS_AHEAD }, (_, lead): PoolHour => {
    const from = (first + lead) * SECONDS_PER_HOUR;
    const price = moneyPerKwh(pool, scenario, series.at(from));
    const relativeError = scenario.forecastNoise * Math.sqrt(lead / HOURS_OF_STATED_ERROR);
    // The same hour errs in the same direction, less as it comes nearer.
    const error = relativeError * normalNumbers(scenario.seed * 104_729 + first + lead)();
    return {
      from,
      to: from + SECONDS_PER_HOUR,
      moneyPerKwh: price === undefined ? undefined : price * Math.max(LEAST_SHARE, 1 + error),
      rentFactor: undefined,
      relativeError,
    };
  });
}

/** Electricity where the rent does not include it, and its carbon where that has a price. */
function moneyPerKwh(pool: PoolSpec, { objective }: Scenario, energy: EnergyHour): number | undefined {
  const { pricePerMwh, carbonGramsPerKwh } = energy;
  const { carbonPricePerTonne } = objective;
  if (!pool.energyIncluded && pricePerMwh === undefined) return undefined;
  if (carbonPricePerTonne > 0 && carbonGramsPerKwh === undefined) return undefined;
  const electricity = pool.energyIncluded ? 0 : (pricePerMwh ?? 0) / 1000;
  return electricity + (carbonPricePerTonne * (carbonGramsPerKwh ?? 0)) / 1e6;
}

/** What a GPU draws more while it trains: nodes that stay anyway draw the rest whether or not it does. */
function kilowattsPerGpu(pool: PoolSpec): number {
  const { busyWattsPerGpu, idleWattsPerGpu, hostWattsPerNode, gpusPerNode, pue, kind } = pool;
  const watts = kind === 'Paid' ? busyWattsPerGpu - idleWattsPerGpu : busyWattsPerGpu + hostWattsPerNode / gpusPerNode;
  return (Math.max(0, watts) * pue) / 1000;
}

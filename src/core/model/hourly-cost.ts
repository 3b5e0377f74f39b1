import { meteredKilowattHours } from './power.ts';

/** What one hour of a configuration takes, before it is priced. Currency: one, the pool's, everywhere. */
export interface HourlyUse {
  /** Nodes paid for; not whole where GPUs are billed one by one. */
  readonly billedNodes: number;
  readonly pricePerNodeHour: number;
  /** Share of the rent that interruptions waste, see `spotRisk`. */
  readonly spotRisk: number;
  readonly kilowatts: number;
  readonly powerUsageEffectiveness: number;
  /** Price of a kilowatt-hour; undefined where the rent includes it, or it would be paid twice. */
  readonly tariffPerKilowattHour: number | undefined;
  /** Where it is not known, what is assumed is for the caller to say: none would be a guess, and a bold one. */
  readonly carbonKilogramsPerKilowattHour: number;
  /** Emissions of making a node, spread over its life; 0 where they are not to count. */
  readonly embodiedKilogramsPerNodeHour: number;
  /** Shadow price of carbon that the user or a budget sets; 0 without one. */
  readonly carbonPricePerKilogram: number;
  /** Storage, licences and the like of the job, whatever its size. */
  readonly fixedPerHour: number;
  /** What an hour sooner is worth. */
  readonly timeValuePerHour: number;
}

/** Currency per hour, by what it is for. */
export interface HourlyCost {
  readonly rent: number;
  readonly energy: number;
  readonly carbon: number;
  readonly fixed: number;
  readonly timeValue: number;
}

/**
 *     N·price·(1 + risk) + P·PUE·(tariff + σ·intensity) + N·σ·embodied + fixed + time value
 *
 * for N nodes that draw P kilowatts, with the shadow price σ of carbon.
 */
export function hourlyCost(use: HourlyUse): HourlyCost {
  const kilowattHours = meteredKilowattHours(use.kilowatts, 1, use.powerUsageEffectiveness);
  const operational = kilowattHours * use.carbonKilogramsPerKilowattHour;
  const embodied = use.billedNodes * use.embodiedKilogramsPerNodeHour;
  return {
    rent: use.billedNodes * use.pricePerNodeHour * (1 + use.spotRisk),
    energy: kilowattHours * (use.tariffPerKilowattHour ?? 0),
    carbon: use.carbonPricePerKilogram * (operational + embodied),
    fixed: use.fixedPerHour,
    timeValue: use.timeValuePerHour,
  };
}

/** All of it: what the planner makes small. */
export function totalPerHour(cost: HourlyCost): number {
  return cost.rent + cost.energy + cost.carbon + cost.fixed + cost.timeValue;
}

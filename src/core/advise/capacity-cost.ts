import { SECONDS_PER_HOUR } from '../model/cost-rate.ts';
import { spotRisk } from '../model/spot-risk.ts';

/** A year of 8,760 hours in twelve parts. */
export const HOURS_PER_MONTH = 730;
export const SECONDS_PER_MONTH = HOURS_PER_MONTH * SECONDS_PER_HOUR;

/** How the nodes of a pool are had. Money is in the pool's currency. */
export type Capacity =
  | { readonly type: 'OnDemand' }
  /** How often an hour a node is taken back; undefined where nobody said. */
  | { readonly type: 'Spot'; readonly interruptionsPerNodeHour: number | undefined }
  /** Committed nodes, used or not, until the term ends. */
  | {
      readonly type: 'Reserved';
      readonly nodes: number;
      readonly pricePerNodeHour: number;
      readonly monthsLeft: number;
    }
  /** All nodes of the pool, bought at once. */
  | {
      readonly type: 'Owned';
      readonly purchasePricePerNode: number;
      readonly amortisationMonths: number;
      readonly maintenancePerNodeMonth: number;
    };

/** Electricity that the price of the nodes does not include, at the meter. */
export interface MeteredElectricity {
  readonly pricePerKwh: number;
  readonly busyKilowattsPerGpu: number;
  /** 0 where nodes without work are switched off. */
  readonly idleKilowattsPerGpu: number;
}

export interface AdvisedPool {
  readonly name: string;
  readonly gpuType: string;
  readonly gpusPerNode: number;
  readonly maxNodes: number;
  /** What jobs are charged, and what rented nodes cost. */
  readonly pricePerNodeHour: number;
  readonly currency: string;
  readonly capacity: Capacity;
  /** Undefined where it is metered, and its draw or its price is not known. */
  readonly electricity: 'Included' | MeteredElectricity | undefined;
}

/** What a pool costs in the whole: to have it, to keep it, and to use it. */
export interface WholeCost {
  /** Bound or paid before anything is used. */
  readonly upfront: number;
  /** As long as it is kept, used or not. */
  readonly perMonth: number;
  /** What one more GPU-hour in use costs: the marginal cost. */
  readonly perGpuHour: number;
  readonly gpuHoursPerMonth: number;
  /** Over which what is paid up front must come back; undefined where nothing is. */
  readonly months: number | undefined;
}

/** What is missing is told in words. */
export type Missing = { readonly missing: string };

/** What jobs are charged for one GPU-hour in use; undefined while the electricity is not known. */
export function chargePerGpuHour(pool: AdvisedPool): number | undefined {
  const { electricity, pricePerNodeHour, gpusPerNode } = pool;
  if (electricity === undefined) return undefined;
  return pricePerNodeHour / gpusPerNode + busyPerGpuHour(electricity);
}

/** @param restartSeconds of a job after its node was taken back */
export function wholeCost(pool: AdvisedPool, restartSeconds: number): WholeCost | Missing {
  const { capacity, electricity, gpusPerNode, maxNodes } = pool;
  const charge = chargePerGpuHour(pool);
  if (electricity === undefined || charge === undefined) {
    return { missing: 'its electricity is metered, and its price or spec.energy.busyWattsPerGpu is not known' };
  }
  const gpuHoursOf = (nodes: number) => nodes * gpusPerNode * HOURS_PER_MONTH;
  const idle = electricity === 'Included' ? 0 : electricity.idleKilowattsPerGpu * electricity.pricePerKwh;
  // Of nodes that stay, use costs only what a GPU draws beyond its rest.
  const kept = (nodes: number) => ({
    perGpuHour: Math.max(0, busyPerGpuHour(electricity) - idle),
    gpuHoursPerMonth: gpuHoursOf(nodes),
  });
  switch (capacity.type) {
    case 'OnDemand':
      return rented(charge, gpuHoursOf(maxNodes));
    case 'Spot': {
      const { interruptionsPerNodeHour: interruptionsPerHour } = capacity;
      if (interruptionsPerHour === undefined) return { missing: 'its spec.cost.interruptionsPerNodeHour is not set' };
      // A resize begins with a checkpoint: that takes no longer than the whole.
      const risk = spotRisk({ interruptionsPerHour, checkpointSeconds: restartSeconds, restartSeconds });
      return rented(charge * (1 + risk), gpuHoursOf(maxNodes));
    }
    case 'Reserved': {
      const { nodes, pricePerNodeHour, monthsLeft: months } = capacity;
      if (!(months > 0)) return { missing: 'the term of its reservation is over' };
      const upfront = nodes * pricePerNodeHour * HOURS_PER_MONTH * months;
      return { ...kept(nodes), upfront, perMonth: idle * gpuHoursOf(nodes), months };
    }
    case 'Owned': {
      const { purchasePricePerNode, amortisationMonths: months, maintenancePerNodeMonth } = capacity;
      const perMonth = maintenancePerNodeMonth * maxNodes + idle * gpuHoursOf(maxNodes);
      return { ...kept(maxNodes), upfront: purchasePricePerNode * maxNodes, perMonth, months };
    }
  }
}

function rented(perGpuHour: number, gpuHoursPerMonth: number): WholeCost {
  return { upfront: 0, perMonth: 0, perGpuHour, gpuHoursPerMonth, months: undefined };
}

function busyPerGpuHour(electricity: 'Included' | MeteredElectricity): number {
  return electricity === 'Included' ? 0 : electricity.busyKilowattsPerGpu * electricity.pricePerKwh;
}

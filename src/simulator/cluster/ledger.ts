import type { EnergyHour } from '../traces/energy.ts';
import { freeOn, type SimulatedNode } from './cluster.ts';

const SECONDS_PER_HOUR = 3600;

/** What was consumed, by a job or by nobody. */
export interface Account {
  /** GPUs held, restarts included. */
  gpuSeconds: number;
  /** Its share of the nodes that were paid for. */
  nodeBilledGpuSeconds: number;
  cost: number;
  energyKwh: number;
  /** Undefined once any of the electricity was drawn while no carbon intensity was known. */
  co2eKg: number | undefined;
}

function emptyAccount(): Account {
  return { gpuSeconds: 0, nodeBilledGpuSeconds: 0, cost: 0, energyKwh: 0, co2eKg: 0 };
}

/**
 * Splits the bill of every node among the jobs on it: each bears what its own GPUs draw, and of the rest (rent, idle
 * GPUs, host) a share by its GPUs. A node without jobs is unallocated. All accounts together are the bill.
 */
export class Ledger {
  readonly #accounts = new Map<string, Account>();
  readonly unallocated: Account = emptyAccount();
  readonly bill: Account = emptyAccount();

  of(job: string): Account {
    const known = this.#accounts.get(job);
    if (known !== undefined) return known;
    const account = emptyAccount();
    this.#accounts.set(job, account);
    return account;
  }

  /** Adds a span in which nothing changed. `computes` tells of a job whether its GPUs work. */
  add(
    node: SimulatedNode,
    span: {
      readonly seconds: number;
      /** A node that still starts bills, but holds no usable GPU. */
      readonly isReady: boolean;
      readonly computes: (job: string) => boolean;
      readonly energy: EnergyHour | undefined;
    },
  ): void {
    const { pool } = node;
    const hours = span.seconds / SECONDS_PER_HOUR;
    const held = pool.gpusPerNode - freeOn(node);
    const rent = pool.pricePerNodeHour * hours;
    const idleWatts = pool.hostWattsPerNode + (span.isReady ? pool.gpusPerNode * pool.idleWattsPerGpu : 0);
    const book = (account: Account, share: number, gpus: number, extraWatts: number) => {
      const kwh = ((share * idleWatts + extraWatts) * pool.pue * hours) / 1000;
      const electricity = pool.energyIncluded ? 0 : (kwh / 1000) * (span.energy?.pricePerMwh ?? 0);
      for (const target of [account, this.bill]) {
        target.gpuSeconds += span.isReady ? gpus * span.seconds : 0;
        target.nodeBilledGpuSeconds += share * pool.gpusPerNode * span.seconds;
        target.cost += share * rent + electricity;
        target.energyKwh += kwh;
        target.co2eKg = addKnown(target.co2eKg, emittedKg(kwh, span.energy));
      }
    };
    if (held === 0) {
      book(this.unallocated, 1, 0, 0);
      return;
    }
    for (const [job, gpus] of node.held) {
      const busy = span.isReady && span.computes(job);
      book(this.of(job), gpus / held, gpus, busy ? gpus * (pool.busyWattsPerGpu - pool.idleWattsPerGpu) : 0);
    }
  }
}

function emittedKg(kwh: number, energy: EnergyHour | undefined): number | undefined {
  const gramsPerKwh = energy?.carbonGramsPerKwh;
  return gramsPerKwh === undefined ? undefined : (kwh * gramsPerKwh) / 1000;
}

/** A sum of which a part is not known is not known. */
function addKnown(sum: number | undefined, part: number | undefined): number | undefined {
  return sum === undefined || part === undefined ? undefined : sum + part;
}

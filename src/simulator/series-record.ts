import type { Cluster } from './cluster/cluster.ts';
import { freeOn } from './cluster/cluster.ts';
import type { Series } from './result.ts';
import { Sampled } from './sampled.ts';
import type { Scenario } from './scenario.ts';
import type { EnergySeries } from './traces/energy.ts';

const MAX_SAMPLES = 2000;
const SECONDS_PER_HOUR = 3600;

/** Samples what the plots show over time. */
export class SeriesRecord {
  readonly #pools: Sampled<Series['pools']>;
  readonly #cost = new Sampled<Series['cost'][number]>(MAX_SAMPLES);
  readonly #hours: Sampled<Series['energy']>;
  readonly #scenario: Scenario;
  readonly #energy: ReadonlyMap<string, EnergySeries>;
  readonly #startsAt: number;
  #hour = -1;

  constructor(scenario: Scenario, energy: ReadonlyMap<string, EnergySeries>, startsAt: number) {
    this.#scenario = scenario;
    this.#energy = energy;
    this.#startsAt = startsAt;
    this.#pools = new Sampled(Math.floor(MAX_SAMPLES / scenario.pools.length));
    this.#hours = new Sampled(Math.floor(MAX_SAMPLES / Math.max(1, energy.size)));
  }

  look(now: number, cluster: Cluster, cost: number): void {
    this.#pools.add(() =>
      this.#scenario.pools.map((pool) => {
        const nodes = cluster.nodes.filter((node) => node.pool === pool);
        const free = nodes.reduce((sum, node) => sum + freeOn(node), 0);
        return { at: now, pool: pool.name, nodes: nodes.length, gpusInUse: nodes.length * pool.gpusPerNode - free };
      }),
    );
    this.#cost.add(() => ({ at: now, cost }));
    for (; this.#energy.size > 0 && this.#hour < Math.floor(now / SECONDS_PER_HOUR); this.#hour++) {
      const at = (this.#hour + 1) * SECONDS_PER_HOUR;
      this.#hours.add(() =>
        [...this.#energy].map(([zone, series]) => ({ at, zone, ...series.at(this.#startsAt + at) })),
      );
    }
  }

  get series(): Series {
    return { pools: this.#pools.values.flat(), cost: this.#cost.values, energy: this.#hours.values.flat() };
  }
}

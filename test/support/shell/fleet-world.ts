// Several jobs on several pools under one operator, on one virtual clock, with nothing that goes wrong.
import type { PoolBill } from '../../../src/controllers/fleet/books.ts';
import type { FleetCycleOptions } from '../../../src/controllers/fleet/fleet-cycle.ts';
import type { GpuPoolObject, Pod, TrainingJobObject } from '../../../src/controllers/kinds.ts';
import { GPU_RESOURCE } from '../../../src/controllers/training-job/indexed-job.ts';
import { keyOf } from '../../../src/kube/resource.ts';
import type { GpuMeasurement } from '../../../src/ports/gpu-meter.ts';
import type { NodeScaler } from '../../../src/ports/node-scaler.ts';
import { aPolicy } from '../a-training-job.ts';
import type { Training } from '../simulated-trainer.ts';
import { FaultyLine } from './faults.ts';
import { MemoryApiServer } from './memory-api-server.ts';
import { OperatorProcess } from './operator-process.ts';
import { SimulatedNodes } from './simulated-nodes.ts';
import { SimulatedWorkers } from './simulated-workers.ts';

export interface FleetStory {
  readonly jobs: readonly { readonly job: TrainingJobObject; readonly training: Training }[];
  readonly pools: readonly GpuPoolObject[];
  /** Pods of somebody else, one GPU each, by the pool that they stand on. */
  readonly foreignPods: readonly { readonly name: string; readonly pool: GpuPoolObject }[];
  readonly startSeconds: number;
  readonly electricityOf?: FleetCycleOptions['electricityOf'];
  /** Watts of a GPU while a worker holds it, as its counter tells; without them nothing is measured. */
  readonly gpuWatts?: number;
}

const PROVISIONING_SECONDS = 20;
const PLAN_INTERVAL_SECONDS = 60;

export class FleetWorld {
  readonly server = new MemoryApiServer();
  readonly broken: string[] = [];
  /** Objects that the operator has written, as `plural/key`. */
  readonly written = new Set<string>();
  readonly workers: ReadonlyMap<string, SimulatedWorkers>;
  readonly #nodes: ReadonlyMap<string, SimulatedNodes>;
  readonly #process: OperatorProcess;
  readonly #startSeconds: number;
  readonly #electricityOf: FleetCycleOptions['electricityOf'];
  readonly #gpuWatts: number | undefined;
  /** Money that the pools' nodes have been charged with, by whose they were. */
  readonly bills = { jobs: 0, foreign: 0, unclaimed: 0 };
  /** What the meters of each pool would say: node-seconds, and joules of the GPUs that workers held. */
  readonly drawn = { nodeSeconds: 0, joules: 0 };
  readonly #counters = new Map<string, number>();
  #seconds = 0;

  constructor({ jobs, pools, foreignPods, startSeconds, electricityOf, gpuWatts }: FleetStory) {
    const { server } = this;
    this.#startSeconds = startSeconds;
    this.#electricityOf = electricityOf;
    this.#gpuWatts = gpuWatts;
    const nowSeconds = () => startSeconds + this.#seconds;
    for (const pool of pools) server.put('gpupools', pool);
    for (const { job } of jobs) server.put('trainingjobs', job);
    for (const { name, pool } of foreignPods) server.put('pods', aForeignPod(name, pool));
    server.put('scalingpolicies', aPolicy({ planIntervalSeconds: PLAN_INTERVAL_SECONDS }));
    server.onWrite = ({ plural, after }) => void this.written.add(`${plural}/${keyOf(after)}`);
    this.workers = new Map(
      jobs.map(({ job, training }) => [job.metadata.name, new SimulatedWorkers({ server, job, training, nowSeconds })]),
    );
    this.#nodes = new Map(
      pools.map((pool) => {
        const { maxNodes } = pool.spec.limits;
        const onShrinkBelowUse = (message: string) => this.broken.push(message);
        const options = { server, pool, provisioningSeconds: PROVISIONING_SECONDS, nowSeconds, onShrinkBelowUse };
        return [pool.metadata.name, new SimulatedNodes(options, maxNodes)];
      }),
    );
    this.#process = this.#startProcess();
  }

  /** Nodes that stand on a pool. */
  nodesOf(pool: string): number {
    return this.#nodes.get(pool)?.nodes().length ?? 0;
  }

  get seconds(): number {
    return this.#seconds;
  }

  job(name: string): TrainingJobObject {
    const key = this.workers.get(name)?.key ?? name;
    return this.server.get<TrainingJobObject>('trainingjobs', key) as TrainingJobObject;
  }

  /** Lets so much time pass, and calls back after each second. */
  async run(seconds: number, look: () => void): Promise<void> {
    for (const end = this.#seconds + seconds; this.#seconds < end; ) {
      this.#seconds++;
      for (const nodes of this.#nodes.values()) {
        nodes.tick();
        nodes.schedule();
      }
      for (const workers of this.workers.values()) workers.tick(1);
      this.#draw();
      await this.#process.tick(new Set());
      this.broken.push(...this.#process.defects.splice(0).map(String));
      look();
    }
  }

  #draw(): void {
    for (const nodes of this.#nodes.values()) this.drawn.nodeSeconds += nodes.nodes().length;
    for (const pod of this.#workersOnNodes()) {
      const joules = this.#gpuWatts ?? 0;
      this.drawn.joules += joules;
      this.#counters.set(keyOf(pod), (this.#counters.get(keyOf(pod)) ?? 5e6) + joules);
    }
  }

  #workersOnNodes(): readonly Pod[] {
    const pods = [...this.workers.values()].flatMap((workers) => workers.livePods());
    return pods.filter((pod) => pod.spec.nodeName !== undefined);
  }

  /** One GPU for each worker, on a device of its own. */
  async readGpus(): Promise<readonly GpuMeasurement[]> {
    if (this.#gpuWatts === undefined) return [];
    return this.#workersOnNodes().map((pod) => ({
      device: `GPU-of-${keyOf(pod)}`,
      namespace: pod.metadata.namespace ?? '',
      pod: pod.metadata.name,
      share: 1,
      joules: this.#counters.get(keyOf(pod)),
      watts: this.#gpuWatts,
    }));
  }

  #startProcess(): OperatorProcess {
    const clock = {
      now: () => (this.#startSeconds + this.#seconds) * 1000,
      monotonicSeconds: () => this.#seconds,
      sleep: () => new Promise<void>(() => undefined),
    };
    const metrics = {
      readTrainers: async () =>
        new Map(
          [...this.workers.values()].flatMap((workers) => {
            const reading = workers.reading();
            return reading === undefined ? [] : [[workers.key, reading] as const];
          }),
        ),
    };
    const scalerOf = (pool: { metadata: { name?: string | undefined } }): NodeScaler => {
      const nodes = this.#nodes.get(pool.metadata.name ?? '');
      if (nodes === undefined) throw new Error(`there is no pool ${pool.metadata.name}`);
      return nodes;
    };
    const scaler: NodeScaler = {
      read: (pool) => scalerOf(pool).read(pool),
      setNodes: (pool, nodes, token) => scalerOf(pool).setNodes(pool, nodes, token),
    };
    const line = new FaultyLine(new Map());
    const electricityOf = this.#electricityOf;
    const onSettled = (bills: readonly PoolBill[]) => {
      for (const kind of ['jobs', 'foreign', 'unclaimed'] as const) {
        this.bills[kind] += bills.reduce((sum, bill) => sum + bill[kind], 0);
      }
    };
    return new OperatorProcess({
      ...{ server: this.server, line, scaler, metrics, clock, electricityOf, onSettled },
      gpuMeter: this,
    });
  }
}

function aForeignPod(name: string, pool: GpuPoolObject): Pod {
  const limits = { [GPU_RESOURCE]: '1' };
  return {
    metadata: { name, namespace: 'others' },
    spec: {
      nodeSelector: pool.spec.nodeSelector,
      containers: [{ name: 'inference', image: 'x', resources: { limits } }],
    },
    status: { phase: 'Running' },
  };
}

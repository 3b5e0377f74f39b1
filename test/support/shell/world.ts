// A cluster, a trainer and an operator on one virtual clock. A plan of faults makes a run; a run can be told again.
import type { GpuPoolObject, Pod, TrainingJobObject } from '../../../src/controllers/kinds.ts';
import { GPU_RESOURCE } from '../../../src/controllers/training-job/indexed-job.ts';
import type { TrainerReading } from '../../../src/core/estimate/reading.ts';
import type { Clock } from '../../../src/kube/clock.ts';
import { aPolicy } from '../a-training-job.ts';
import type { Training } from '../simulated-trainer.ts';
import { type Fault, FaultyLine } from './faults.ts';
import { MemoryApiServer } from './memory-api-server.ts';
import { OperatorProcess, type Watched } from './operator-process.ts';
import { openWatchman } from './promises-kept.ts';
import { SimulatedNodes } from './simulated-nodes.ts';
import { SimulatedWorkers } from './simulated-workers.ts';

export interface Span {
  readonly from: number;
  readonly seconds: number;
}

/** Everything that differs between two runs. */
export interface Story {
  readonly job: TrainingJobObject;
  readonly pool: GpuPoolObject;
  readonly training: Training;
  readonly nodesAtStart: number;
  /** What the user, or somebody else, does at which second. */
  readonly deeds?: readonly { readonly at: number; readonly does: (world: World) => void }[];
  readonly faults: ReadonlyMap<number, Fault>;
  readonly lags: readonly (Span & { readonly watch: Watched })[];
  readonly metricsOutages: readonly Span[];
  readonly trainerDeaf: readonly Span[];
  readonly seconds: number;
}

const START_SECONDS = 1_700_000_000;
const PROVISIONING_SECONDS = 20;

export class World {
  readonly server = new MemoryApiServer();
  readonly nodes: SimulatedNodes;
  readonly workers: SimulatedWorkers;
  readonly line: FaultyLine;
  readonly broken: string[];
  readonly story: Story;
  lives = 1;
  #seconds = 0;
  #process: OperatorProcess;

  constructor(story: Story) {
    this.story = story;
    const nowSeconds = () => START_SECONDS + this.#seconds;
    this.line = new FaultyLine(story.faults);
    this.server.put('gpupools', story.pool);
    this.server.put('trainingjobs', story.job);
    // Planning is most of what a run costs; once a minute is enough for these stories.
    this.server.put('scalingpolicies', aPolicy({ planIntervalSeconds: 60 }));
    this.workers = new SimulatedWorkers({ server: this.server, job: story.job, training: story.training, nowSeconds });
    const watchman = openWatchman({
      workers: () => this.workers,
      jobStatus: () => this.job.status ?? {},
      readyGpus: () => this.nodes.readyGpus(),
      nowSeconds,
      ackTimeoutSeconds: story.job.spec.batch.reload.ackTimeoutSeconds,
      checkpointTimeoutSeconds: story.job.spec.checkpoint.timeoutSeconds,
    });
    this.broken = watchman.broken;
    this.server.onWrite = watchman.check;
    this.nodes = new SimulatedNodes(
      {
        server: this.server,
        pool: story.pool,
        provisioningSeconds: PROVISIONING_SECONDS,
        nowSeconds,
        onShrinkBelowUse: (message) => this.broken.push(message),
      },
      story.nodesAtStart,
    );
    this.#process = this.#startProcess();
  }

  get seconds(): number {
    return this.#seconds;
  }

  get job(): TrainingJobObject {
    return this.server.get<TrainingJobObject>('trainingjobs', this.workers.key) as TrainingJobObject;
  }

  get pool(): GpuPoolObject {
    return this.server.get<GpuPoolObject>('gpupools', this.story.pool.metadata.name) as GpuPoolObject;
  }

  get events(): number {
    return this.server.list('events').length;
  }

  edit(change: (spec: TrainingJobObject['spec']) => TrainingJobObject['spec']): void {
    this.server.put('trainingjobs', { ...this.job, spec: change(this.job.spec) } as TrainingJobObject);
  }

  /** Somebody else's pod that takes one GPU of the pool. */
  addForeignPod(name: string): void {
    const limits = { [GPU_RESOURCE]: '1' };
    const pod: Pod = {
      metadata: { name, namespace: 'others' },
      spec: { containers: [{ name: 'inference', image: 'x', resources: { limits } }] },
      status: { phase: 'Running' },
    };
    this.server.put('pods', pod);
  }

  foreignGpus(): number {
    return this.server
      .list<Pod>('pods')
      .filter((pod) => pod.metadata.namespace === 'others' && pod.spec.nodeName !== undefined).length;
  }

  async run(): Promise<this> {
    while (this.#seconds < this.story.seconds) await this.#second();
    return this;
  }

  async #second(): Promise<void> {
    this.#seconds++;
    const now = this.#seconds;
    const within = ({ from, seconds }: Span) => now >= from && now < from + seconds;
    for (const deed of this.story.deeds ?? []) if (deed.at === now) deed.does(this);
    this.workers.deafUntil = this.story.trainerDeaf.some(within) ? Number.POSITIVE_INFINITY : 0;
    this.nodes.tick();
    this.nodes.schedule();
    this.workers.tick(1);
    await this.#process.tick(new Set(this.story.lags.filter(within).map(({ watch }) => watch)));
    for (const defect of this.#process.defects.splice(0))
      this.broken.push(`a reconcile failed on a bug: ${stackOf(defect)}`);
    if (!this.#process.isDead) return;
    this.lives++;
    this.#process = this.#startProcess();
  }

  #startProcess(): OperatorProcess {
    const clock: Clock = {
      now: () => (START_SECONDS + this.#seconds) * 1000,
      monotonicSeconds: () => this.#seconds,
      sleep: () => new Promise(() => undefined),
    };
    const metrics = {
      readTrainers: async (): Promise<ReadonlyMap<string, TrainerReading>> => {
        const { from, seconds } = this.story.metricsOutages.find(
          (span) => this.#seconds >= span.from && this.#seconds < span.from + span.seconds,
        ) ?? { from: 0, seconds: 0 };
        if (seconds > 0) throw new Error(`Prometheus has been down since second ${from}`);
        const reading = this.workers.reading();
        return new Map(reading === undefined ? [] : [[this.workers.key, reading]]);
      },
    };
    return new OperatorProcess({ server: this.server, line: this.line, scaler: this.nodes, metrics, clock });
  }
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

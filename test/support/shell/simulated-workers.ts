// What turns a Job's spec into pods, and pods into a training: the Job controller, the kubelet and the trainer.
import { parseTuning, TUNING_FILE_NAME, type Tuning } from '../../../src/api/trainer-protocol.ts';
import type { ConfigMap, Pod, TrainingJobObject, WorkerJob } from '../../../src/controllers/kinds.ts';
import { tuningName, WORLD_SIZE_KEY } from '../../../src/controllers/training-job/indexed-job.ts';
import type { Configuration } from '../../../src/core/configuration.ts';
import type { TrainerReading } from '../../../src/core/estimate/reading.ts';
import { keyOf } from '../../../src/kube/resource.ts';
import { SimulatedTrainer, type Training } from '../simulated-trainer.ts';
import type { MemoryApiServer } from './memory-api-server.ts';

export interface WorkersOptions {
  readonly server: MemoryApiServer;
  readonly job: TrainingJobObject;
  readonly training: Training;
  readonly nowSeconds: () => number;
}

const START_SECONDS = 4;
const TERMINATION_SECONDS = 3;
const RELOAD_SECONDS = 2;
const CHECKPOINT_SECONDS = 3;
const SCRAPE_SECONDS = 2;
const INDEX_LABEL = 'batch.kubernetes.io/job-completion-index';

/** The workers of one job and the training they make. */
export class SimulatedWorkers {
  readonly #options: WorkersOptions;
  readonly #scheduledAt = new Map<string, number>();
  readonly #stoppingAt = new Map<string, number>();
  #pods = 0;
  #trainer: SimulatedTrainer | undefined;
  /** What the run has kept on disk: where the next workers go on. */
  #checkpoint = { step: 0, progress: 0, request: 0 };
  #fileSeen: { readonly text: string; readonly since: number } | undefined;
  #requestSeen: { readonly request: number; readonly since: number } | undefined;
  #secondsOwed = 0;
  #page: TrainerReading | undefined;
  /** Seconds the trainer takes no notice of new tuning files. */
  deafUntil = 0;

  constructor(options: WorkersOptions) {
    this.#options = options;
  }

  get key(): string {
    return keyOf(this.#options.job);
  }

  get trainer(): SimulatedTrainer | undefined {
    return this.#trainer;
  }

  get checkpointRequestServed(): number {
    return this.#checkpoint.request;
  }

  /** The newest page that was scraped; undefined when there is nobody to scrape. */
  reading(): TrainerReading | undefined {
    return this.#trainer === undefined ? undefined : this.#page;
  }

  livePods(): Pod[] {
    const name = this.#options.job.metadata.name;
    return this.#options.server.list<Pod>('pods').filter((pod) => pod.metadata.labels?.['job-name'] === name);
  }

  /** The tuning in the file, as the API server holds it. */
  file(): Tuning | undefined {
    const text = this.#configMap()?.data?.[TUNING_FILE_NAME];
    return text === undefined ? undefined : parseTuning(JSON.parse(text));
  }

  tick(seconds: number): void {
    this.#runJobController();
    this.#runKubelets();
    this.#runTrainer(seconds);
  }

  #runJobController(): void {
    const { server, job } = this.#options;
    const workerJob = server.get<WorkerJob>('jobs', this.key);
    const wanted = workerJob === undefined || workerJob.spec.suspend === true ? 0 : (workerJob.spec.parallelism ?? 0);
    const present = new Map(this.livePods().map((pod) => [Number(pod.metadata.labels?.[INDEX_LABEL]), pod]));
    for (const [index, pod] of present) {
      if (index < wanted || pod.metadata.deletionTimestamp !== undefined) continue;
      this.#stoppingAt.set(keyOf(pod), this.#now());
      const deletionTimestamp = new Date(this.#now() * 1000).toISOString();
      server.put('pods', { ...pod, metadata: { ...pod.metadata, deletionTimestamp } });
    }
    for (let index = 0; index < wanted && workerJob !== undefined; index++) {
      if (present.has(index)) continue;
      const template = workerJob.spec.template;
      const labels = { ...template.metadata?.labels, 'job-name': job.metadata.name, [INDEX_LABEL]: String(index) };
      const name = `${job.metadata.name}-${index}-${this.#pods++}`;
      const pod: Pod = {
        metadata: { name, namespace: job.metadata.namespace, labels },
        spec: template.spec,
        status: { phase: 'Pending' },
      };
      server.put('pods', pod);
    }
  }

  #runKubelets(): void {
    const { server } = this.#options;
    for (const pod of this.livePods()) {
      const key = keyOf(pod);
      const stopping = this.#stoppingAt.get(key);
      if (stopping !== undefined) {
        if (this.#now() - stopping >= TERMINATION_SECONDS) server.remove('pods', key);
        continue;
      }
      if (pod.spec.nodeName === undefined || pod.status?.phase === 'Running') continue;
      const since = this.#scheduledAt.get(key) ?? this.#now();
      this.#scheduledAt.set(key, since);
      if (this.#now() - since < START_SECONDS) continue;
      const status = { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] };
      server.put('pods', { ...pod, status } as Pod);
    }
  }

  #runTrainer(seconds: number): void {
    const ready = this.livePods().filter(
      (pod) => pod.status?.phase === 'Running' && pod.metadata.deletionTimestamp === undefined,
    );
    const file = this.file();
    const ranks = Number(this.#configMap()?.data?.[WORLD_SIZE_KEY] ?? Number.NaN);
    if (this.#trainer === undefined) {
      if (ready.length === 0 || file === undefined || ready.length !== ranks) return;
      this.#startTraining(file, ranks);
    } else if (ready.length !== this.#trainer.configuration.replicas) {
      // One rank gone stops all; what was done since the last checkpoint is lost.
      this.#trainer = undefined;
      this.#page = undefined;
      return;
    }
    this.#readFile(file);
    this.#serveCheckpoints(file);
    this.#makeSteps(seconds);
    this.#publish();
  }

  #startTraining(file: Tuning, ranks: number): void {
    const trainer = new SimulatedTrainer(this.#options.training, configurationFrom(file, ranks), 7);
    trainer.configVersion = file.version;
    trainer.steps = this.#checkpoint.step;
    trainer.progress = this.#checkpoint.progress;
    this.#trainer = trainer;
    this.#fileSeen = undefined;
    this.#secondsOwed = 0;
  }

  #readFile(file: Tuning | undefined): void {
    const trainer = this.#trainer;
    if (file === undefined || trainer === undefined || this.#now() < this.deafUntil) return;
    const known = Math.max(trainer.configVersion, trainer.rejectedVersion ?? 0);
    if (file.version <= known) return;
    const text = JSON.stringify(file);
    if (this.#fileSeen?.text !== text) this.#fileSeen = { text, since: this.#now() };
    if (this.#now() - this.#fileSeen.since < RELOAD_SECONDS) return;
    if (file.dataParallelSize === trainer.configuration.dataParallelSize) {
      trainer.apply(file.version, configurationFrom(file, trainer.configuration.replicas));
    } else {
      trainer.rejectedVersion = file.version;
    }
  }

  #serveCheckpoints(file: Tuning | undefined): void {
    const request = file?.checkpointRequest ?? 0;
    if (request <= this.#checkpoint.request || this.#now() < this.deafUntil) return;
    if (this.#requestSeen?.request !== request) this.#requestSeen = { request, since: this.#now() };
    if (this.#now() - this.#requestSeen.since < CHECKPOINT_SECONDS) return;
    this.#checkpoint = { step: this.#trainer?.steps ?? 0, progress: this.#trainer?.progress ?? 0, request };
  }

  #makeSteps(seconds: number): void {
    this.#secondsOwed += seconds;
    while (this.#trainer !== undefined && this.#secondsOwed > 0) this.#secondsOwed -= this.#trainer.step();
  }

  #publish(): void {
    const now = this.#now();
    if (this.#trainer === undefined) return;
    if (this.#page !== undefined && now - this.#page.observedAt < SCRAPE_SECONDS) return;
    const { step, request } = this.#checkpoint;
    this.#page = { ...this.#trainer.read(now), checkpointStep: step, checkpointRequest: request, loss: 2 };
  }

  #configMap(): ConfigMap | undefined {
    const { job, server } = this.#options;
    return server.get<ConfigMap>('configmaps', `${job.metadata.namespace}/${tuningName(job)}`);
  }

  #now(): number {
    return this.#options.nowSeconds();
  }
}

function configurationFrom(file: Tuning, replicas: number): Configuration {
  const { dataParallelSize, microBatchSize, gradientAccumulationSteps } = file;
  return { pool: '', replicas, nodes: 1, dataParallelSize, microBatchSize, gradientAccumulationSteps };
}

// Plays the workers of TrainingJobs on simulated nodes: reads their real tuning files, makes their steps, serves their
// metrics pages, and ends their pods when the work is done.

import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { TRAINING_JOB_LABEL } from '../../../src/api/annotations.ts';
import { TUNING_FILE_NAME } from '../../../src/api/trainer-protocol.ts';
import {
  CONFIG_MAPS,
  type ConfigMap,
  NODES,
  type Node,
  PODS,
  type Pod,
  TRAINING_JOBS,
  type TrainingJobObject,
} from '../../../src/controllers/kinds.ts';
import { tuningName, WORLD_SIZE_KEY } from '../../../src/controllers/training-job/indexed-job.ts';
import { Informer } from '../../../src/kube/informer.ts';
import type { KubeClient } from '../../../src/kube/kube-client.ts';
import { isNotFound } from '../../../src/kube/kube-error.ts';
import { keyOf } from '../../../src/kube/resource.ts';
import { METRICS_CONTENT_TYPE, renderMetricsPage } from '../../../src/simulator/metrics-page.ts';
import { rankOf, SimulatedRun } from './simulated-run.ts';

const METRICS_ADDRESS_ANNOTATION = 'stepwise.dev/metrics-address';
const METRICS_PATH_ANNOTATION = 'stepwise.dev/metrics-path';
const EXIT_ANNOTATION = 'stepwise.dev/simulated-exit';
const FAKE_NODE_ANNOTATION = 'kwok.x-k8s.io/node';
const FIELD_MANAGER = 'stepwise-demo-fleet';
const TICK_MILLISECONDS = 200;

export interface FleetOptions {
  readonly client: KubeClient;
  readonly namespace: string;
  readonly seed: number;
  readonly onProblem: (message: string) => void;
}

export class Fleet {
  readonly #options: FleetOptions;
  readonly #jobs: Informer<TrainingJobObject>;
  readonly #pods: Informer<Pod>;
  readonly #nodes: Informer<Node>;
  readonly #configMaps: Informer<ConfigMap>;
  readonly #runs = new Map<string, SimulatedRun>();
  /** Pod uid to what was last asked of it, so that nothing is asked twice. */
  readonly #annotated = new Map<string, string>();
  #server: Server | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: FleetOptions) {
    const { client, namespace } = options;
    this.#options = options;
    this.#jobs = new Informer({ client, namespace, resource: TRAINING_JOBS });
    this.#pods = new Informer({ client, namespace, resource: PODS, labelSelector: TRAINING_JOB_LABEL });
    this.#configMaps = new Informer({ client, namespace, resource: CONFIG_MAPS, labelSelector: TRAINING_JOB_LABEL });
    this.#nodes = new Informer({ client, resource: NODES });
  }

  /** Returns once the caches are filled and the pages are served. */
  async start(stop: AbortSignal): Promise<void> {
    const informers = [this.#jobs, this.#pods, this.#configMaps, this.#nodes];
    for (const informer of informers) informer.run(stop).catch(() => undefined);
    await Promise.all(informers.map(({ synced }) => synced));
    this.#server = await this.#serve();
    this.#timer = setInterval(() => this.#tick(), TICK_MILLISECONDS);
    stop.addEventListener('abort', () => this.stop(), { once: true });
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#server?.close();
    this.#server?.closeAllConnections();
  }

  /** What is known of a job's training, by `namespace/name`. */
  run(key: string): SimulatedRun | undefined {
    return this.#runs.get(key);
  }

  #tick(): void {
    const now = Date.now() / 1000;
    for (const job of this.#jobs.list()) {
      try {
        this.#follow(job, now);
      } catch (error) {
        this.#options.onProblem(`${job.metadata.name}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
  }

  #follow(job: TrainingJobObject, now: number): void {
    const key = keyOf(job);
    let run = this.#runs.get(key);
    if (run === undefined || run.jobUid !== job.metadata.uid) {
      run = new SimulatedRun(job, this.#options.seed);
      this.#runs.set(key, run);
    }
    const pods = this.#podsOf(job);
    for (const pod of pods) this.#announce(pod);
    const data = this.#configMaps.get(`${job.metadata.namespace}/${tuningName(job)}`)?.data;
    const running = pods.filter(
      ({ metadata, status }) => status?.phase === 'Running' && metadata.deletionTimestamp === undefined,
    );
    run.follow({ now, running, tuningText: data?.[TUNING_FILE_NAME], workers: Number(data?.[WORLD_SIZE_KEY]) });
    if (run.isDone) for (const pod of running) this.#annotate(pod, { [EXIT_ANNOTATION]: '0' });
  }

  /** Pods of the job on simulated nodes. */
  #podsOf(job: TrainingJobObject): readonly Pod[] {
    return this.#pods.list().filter(({ metadata, spec }) => {
      if (metadata.labels?.[TRAINING_JOB_LABEL] !== job.metadata.name) return false;
      const node = spec.nodeName === undefined ? undefined : this.#nodes.get(spec.nodeName);
      return node?.metadata.annotations?.[FAKE_NODE_ANNOTATION] === 'fake';
    });
  }

  /** Tells Prometheus where the pod's page is; early, so that it is scraped as soon as the pod runs. */
  #announce(pod: Pod): void {
    const address = this.#server?.address() as AddressInfo | null | undefined;
    if (address === null || address === undefined || this.#annotated.has(pod.metadata.uid ?? '')) return;
    this.#annotate(pod, {
      [METRICS_ADDRESS_ANNOTATION]: `127.0.0.1:${address.port}`,
      [METRICS_PATH_ANNOTATION]: pagePath(pod),
    });
  }

  #annotate(pod: Pod, annotations: Record<string, string>): void {
    const { uid = '', name, namespace } = pod.metadata;
    const asked = Object.keys(annotations).join();
    if (this.#annotated.get(uid) === asked) return;
    this.#annotated.set(uid, asked);
    this.#options.client
      .mergePatch(PODS, { name, namespace }, { metadata: { annotations } }, { fieldManager: FIELD_MANAGER })
      .catch((error) => {
        if (isNotFound(error)) return;
        this.#annotated.delete(uid);
        this.#options.onProblem(`pod ${name} could not be annotated: ${String(error)}`);
      });
  }

  async #serve(): Promise<Server> {
    const server = createServer((request, response) => {
      const pod = this.#pods.list().find((candidate) => pagePath(candidate) === request.url);
      const job = pod?.metadata.labels?.[TRAINING_JOB_LABEL];
      const run = job === undefined ? undefined : this.#runs.get(`${pod?.metadata.namespace}/${job}`);
      const figures = pod === undefined ? undefined : run?.figuresOf(pod, Date.now() / 1000);
      if (pod === undefined || figures === undefined) {
        response.writeHead(503, { 'Content-Type': 'text/plain' }).end('the trainer does not run\n');
        return;
      }
      response.writeHead(200, { 'Content-Type': METRICS_CONTENT_TYPE }).end(renderMetricsPage(figures, rankOf(pod)));
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, '127.0.0.1', resolve);
    });
    return server;
  }
}

function pagePath({ metadata }: Pod): string {
  return `/pods/${metadata.namespace}/${metadata.name}/metrics`;
}

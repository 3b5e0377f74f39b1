// Counts what workers cost from the API server alone: when each container started and finished.

import { PODS, type Pod } from '../../src/controllers/kinds.ts';
import { Informer } from '../../src/kube/informer.ts';
import type { KubeClient } from '../../src/kube/kube-client.ts';
import { NAMESPACE, PRICE_PER_WORKER_HOUR } from './e2e-cluster.ts';

interface ContainerStatus {
  readonly state?: {
    readonly running?: { readonly startedAt: string };
    readonly terminated?: { readonly startedAt: string; readonly finishedAt: string; readonly exitCode: number };
  };
}

export interface WorkerRun {
  readonly pod: string;
  readonly startedAt: number;
  readonly finishedAt: number | undefined;
  readonly exitCode: number | undefined;
}

/** Watches the pods of one run, so that those are counted too that are gone when it ends. */
export class PodLedger {
  readonly #runs = new Map<string, WorkerRun>();
  readonly #stop = new AbortController();
  readonly #informer: Informer<Pod>;
  readonly #watching: Promise<void>;

  constructor(client: KubeClient, trainingJob: string) {
    const labelSelector = `stepwise.dev/training-job=${trainingJob}`;
    this.#informer = new Informer({ client, resource: PODS, namespace: NAMESPACE, labelSelector });
    this.#informer.onChange(({ object }) => this.#note(object));
    this.#watching = this.#informer.run(this.#stop.signal);
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#watching;
  }

  get runs(): readonly WorkerRun[] {
    return [...this.#runs.values()];
  }

  /** There was a worker, and none runs any more. */
  get hasEnded(): boolean {
    return this.runs.length > 0 && this.runs.every(({ finishedAt }) => finishedAt !== undefined);
  }

  /** Worker-seconds; a worker whose end was not seen is counted until now. */
  get workerSeconds(): number {
    return this.runs.reduce((sum, run) => sum + (run.finishedAt ?? Date.now() / 1000) - run.startedAt, 0);
  }

  get costUsd(): number {
    return (this.workerSeconds * PRICE_PER_WORKER_HOUR) / 3600;
  }

  #note(pod: Pod): void {
    const uid = pod.metadata.uid ?? pod.metadata.name;
    const { containerStatuses } = (pod.status ?? {}) as { containerStatuses?: readonly ContainerStatus[] };
    const state = containerStatuses?.[0]?.state;
    if (state?.terminated !== undefined) {
      const { startedAt, finishedAt, exitCode } = state.terminated;
      this.#runs.set(uid, {
        pod: pod.metadata.name,
        startedAt: Date.parse(startedAt) / 1000,
        finishedAt: Date.parse(finishedAt) / 1000,
        exitCode,
      });
    } else if (state?.running !== undefined) {
      const startedAt = Date.parse(state.running.startedAt) / 1000;
      this.#runs.set(uid, { pod: pod.metadata.name, startedAt, finishedAt: undefined, exitCode: undefined });
    }
  }
}

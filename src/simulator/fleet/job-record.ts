import type { Account } from '../cluster/ledger.ts';
import type { AllocationSpan, JobResult, Prediction } from '../result.ts';
import { Sampled } from '../sampled.ts';
import type { SimulatedJob } from './simulated-job.ts';

const MAX_PREDICTIONS = 20;

/** What the result tells of one job: written along while it goes. */
export class JobRecord {
  readonly #job: SimulatedJob;
  readonly #spans: AllocationSpan[] = [];
  readonly #predictions = new Sampled<Prediction>(MAX_PREDICTIONS);
  #open: AllocationSpan | undefined;

  constructor(job: SimulatedJob) {
    this.#job = job;
  }

  predict(prediction: Prediction): void {
    this.#predictions.add(() => prediction);
  }

  /** Begins a new span when something has changed since the last look. */
  look(now: number): void {
    const { state, grant, target, run } = this.#job;
    const open = this.#open;
    if (state === 'Ended') {
      this.#close(now);
      return;
    }
    const pool = grant?.pool.name;
    const { gpus } = this.#job;
    const globalBatchSize = run.layout?.globalBatchSize ?? target?.globalBatchSize ?? 0;
    const isSame =
      open?.state === state && open.pool === pool && open.gpus === gpus && open.globalBatchSize === globalBatchSize;
    if (isSame) return;
    this.#close(now);
    this.#open = { from: now, to: now, state, pool, gpus, globalBatchSize };
  }

  result(account: Account): JobResult {
    const { arriving, startedAt, finishedAt, refused, rescales, batchChanges, interruptions } = this.#job;
    return {
      name: arriving.name,
      application: arriving.world.application,
      submittedAt: arriving.submittedAt,
      startedAt,
      finishedAt,
      deadline: arriving.deadline,
      refused,
      gpuSeconds: account.gpuSeconds,
      nodeBilledGpuSeconds: account.nodeBilledGpuSeconds,
      cost: account.cost,
      energyKwh: account.energyKwh,
      co2eKg: account.co2eKg,
      rescales,
      batchChanges,
      interruptions,
      predictions: this.#predictions.values,
      allocation: this.#spans,
    };
  }

  #close(now: number): void {
    if (this.#open !== undefined && now > this.#open.from) this.#spans.push({ ...this.#open, to: now });
    this.#open = undefined;
  }
}

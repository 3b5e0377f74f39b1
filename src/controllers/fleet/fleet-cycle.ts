import type { Configuration, InstantSeconds } from '../../core/configuration.ts';
import { foldReading, NO_EVIDENCE } from '../../core/estimate/evidence.ts';
import type { TrainerReading } from '../../core/estimate/reading.ts';
import { isMeasured } from '../../core/guard/readiness.ts';
import type { FleetPlan } from '../../core/plan-fleet.ts';
import type { Snapshot } from '../../core/snapshot.ts';
import { keyOf } from '../../kube/resource.ts';
import type { GpuMeasurement, GpuMeter } from '../../ports/gpu-meter.ts';
import type { MetricsSource } from '../../ports/metrics-source.ts';
import { type Planner, PlannerError, type PlannerProblem } from '../../ports/planner.ts';
import type { ClusterView } from '../cluster-view.ts';
import { hasEnded } from '../ended.ts';
import type { GpuPoolObject, TrainingJobObject } from '../kinds.ts';
import { believedOf, type Gatherers, gatherJobView } from '../training-job/gather.ts';
import { configurationOf, currentConfiguration, type JobView, shapeOf } from '../training-job/view.ts';
import { accountIn } from './account-codec.ts';
import { FleetBooks, type PoolBill } from './books.ts';
import { decodeEvidence } from './evidence-codec.ts';
import type { FleetMemory, JobFindings } from './fleet-memory.ts';
import { policyFor } from './limits.ts';
import { type PoolElectricity, snapshotJob, snapshotPool } from './snapshot.ts';

export interface FleetCycleOptions {
  readonly cluster: ClusterView;
  readonly metrics: MetricsSource;
  /** Without it energy is modelled. */
  readonly gpuMeter?: GpuMeter | undefined;
  readonly planner: Planner;
  readonly memory: FleetMemory;
  readonly gatherers: Gatherers;
  /** The newest known form of a cached job. */
  readonly newest: (cached: TrainingJobObject) => TrainingJobObject;
  /** Prices, intensity and draw of a pool's electricity; without it nothing is known of them. */
  readonly electricityOf?: ((pool: GpuPoolObject, now: InstantSeconds) => PoolElectricity | undefined) | undefined;
  /** Whether all that was known of energy before a restart has been taken in again. */
  readonly isEnergyRead?: (() => boolean) | undefined;
  readonly nowSeconds: () => number;
  /** Has the job reconciled soon. */
  readonly enqueue: (key: string) => void;
  readonly onPlanned: (seen: { readonly plan: FleetPlan; readonly seconds: number }) => void;
  readonly onPlanFailed: (seen: { readonly problem: PlannerProblem; readonly message: string }) => void;
  readonly onGpusUnread?: ((seen: { readonly message: string }) => void) | undefined;
  readonly onSettled?: ((bills: readonly PoolBill[]) => void) | undefined;
  readonly onMetricsRead: (seen: { readonly ok: boolean; readonly seconds: number; readonly jobs: number }) => void;
}

/** So long a new operator waits for what is known of energy: hours taken for alike would end every pause. */
const ENERGY_WAIT_SECONDS = 60;

/**
 * Reads the metrics of the whole fleet, learns from them, and plans: all jobs in one go, as they share pools. The plan is
 * computed elsewhere and may take longer than the time between two looks; one is under way at a time.
 */
export class FleetCycle {
  readonly #options: FleetCycleOptions;
  readonly #books = new FleetBooks();
  #plannedAt = Number.NEGATIVE_INFINITY;
  #firstLookAt: InstantSeconds | undefined;
  #measured: ReadonlySet<string> = new Set();
  /** Whether there is something new to judge that no plan has seen yet. */
  #hasNews = false;
  #planning: Promise<void> | undefined;

  constructor(options: FleetCycleOptions) {
    this.#options = options;
  }

  /** Settles when no plan is under way; never rejects. */
  get planned(): Promise<void> {
    return this.#planning ?? Promise.resolve();
  }

  /**
   * One look; the plan that it may begin goes on after it. Never throws for a metrics source that is down: the last state
   * is held and the jobs say so.
   */
  async run(signal: AbortSignal): Promise<void> {
    const { memory, enqueue } = this.#options;
    const jobs = this.#activeJobs();
    memory.keepOnly(new Set(this.#options.cluster.trainingJobs.list().map(keyOf)));
    const closing = this.#closingJobs();
    if (jobs.length + closing.length === 0) {
      // Nodes cost money all the same, and nobody who comes later has caused it.
      this.#settle([], [], this.#options.nowSeconds());
      return;
    }

    // 1. Read all trainers and GPUs.
    const [readings, gpus] = await Promise.all([this.#read(signal), this.#readGpus(signal)]);

    // 2. Learn from each reading, and count the money and the energy.
    const now = this.#options.nowSeconds();
    const viewOf = (job: TrainingJobObject) => gatherJobView(this.#options.gatherers, job, now);
    const views = jobs.map(viewOf);
    for (const view of views) this.#learn(view, readings?.get(keyOf(view.job)));
    this.#settle([...views, ...closing.map(viewOf)], gpus, now);

    if (jobs.length === 0) return;

    // 3. Plan the fleet when it is time, and at once when there is something new to judge.
    this.#hasNews = this.#comeToBeMeasured(jobs) || this.#hasNews;
    const isTime = this.#hasNews || now - this.#plannedAt >= this.#planIntervalSeconds(jobs);
    if (isTime && this.#planning === undefined && !this.#waitsForEnergy(now)) {
      this.#plannedAt = now;
      this.#hasNews = false;
      this.#planning = this.#plan(views, now, signal).finally(() => {
        this.#planning = undefined;
      });
    }
    for (const job of jobs) enqueue(keyOf(job));
  }

  #waitsForEnergy(now: InstantSeconds): boolean {
    this.#firstLookAt ??= now;
    const { isEnergyRead } = this.#options;
    return isEnergyRead?.() === false && now - this.#firstLookAt < ENERGY_WAIT_SECONDS;
  }

  /** Whether the configuration of some job has been measured since the last look: its next change need not wait. */
  #comeToBeMeasured(jobs: readonly TrainingJobObject[]): boolean {
    const before = this.#measured;
    const evidenceOf = (job: TrainingJobObject) =>
      this.#options.memory.get(keyOf(job), job.metadata.uid)?.evidence ?? NO_EVIDENCE;
    this.#measured = new Set(jobs.filter((job) => isMeasured(evidenceOf(job))).map(keyOf));
    return [...this.#measured].some((key) => !before.has(key));
  }

  #activeJobs(): readonly TrainingJobObject[] {
    const { cluster, newest } = this.#options;
    return cluster.trainingJobs
      .list()
      .map(newest)
      .filter((job) => !hasEnded(job.status));
  }

  async #read(signal: AbortSignal): Promise<ReadonlyMap<string, TrainerReading> | undefined> {
    const { metrics, memory, onMetricsRead } = this.#options;
    const startedAt = performance.now();
    const seconds = () => (performance.now() - startedAt) / 1000;
    try {
      const readings = await metrics.readTrainers(signal);
      memory.metricsProblem = undefined;
      onMetricsRead({ ok: true, seconds: seconds(), jobs: readings.size });
      return readings;
    } catch (error) {
      memory.metricsProblem = error instanceof Error ? error.message : String(error);
      onMetricsRead({ ok: false, seconds: seconds(), jobs: 0 });
      return undefined;
    }
  }

  /** Without measurements energy is modelled: nothing else depends on them. */
  async #readGpus(signal: AbortSignal): Promise<readonly GpuMeasurement[]> {
    const { gpuMeter, onGpusUnread } = this.#options;
    try {
      return (await gpuMeter?.readGpus(signal)) ?? [];
    } catch (error) {
      onGpusUnread?.({ message: error instanceof Error ? error.message : String(error) });
      return [];
    }
  }

  /** Jobs that have ended and whose nodes still stand. */
  #closingJobs(): readonly TrainingJobObject[] {
    const { lastHolders } = this.#books;
    const { cluster, newest } = this.#options;
    const closing = [...lastHolders].flatMap((key) => cluster.trainingJobs.get(key) ?? []).map(newest);
    return closing.filter((job) => hasEnded(job.status));
  }

  #settle(views: readonly JobView[], gpus: readonly GpuMeasurement[], now: InstantSeconds): void {
    const { cluster, memory, electricityOf = () => undefined, enqueue, onSettled } = this.#options;
    const findingsOf = (view: JobView) => memory.get(keyOf(view.job), view.job.metadata.uid) ?? remembered(view);
    const accountOf = (view: JobView) => findingsOf(view).account;
    const { accounts, bills } = this.#books.settle({ cluster, views, gpus, electricityOf, accountOf, now });
    for (const view of views) {
      const account = accounts.get(keyOf(view.job));
      if (account === undefined) continue;
      memory.set(keyOf(view.job), { ...findingsOf(view), account });
      if (hasEnded(view.status)) enqueue(keyOf(view.job));
    }
    onSettled?.(bills);
  }

  #learn(view: JobView, reading: TrainerReading | undefined): void {
    const { memory } = this.#options;
    const key = keyOf(view.job);
    const before = memory.get(key, view.job.metadata.uid) ?? remembered(view);
    const inForce = reading === undefined ? undefined : configurationInForce(view, reading);
    const evidence =
      reading === undefined
        ? before.evidence
        : foldReading(before.evidence, reading, inForce, view.limits.initialGlobalBatchSize);
    memory.set(key, { ...before, evidence });
  }

  /** A plan that fails changes nothing: what was decided last stands until the next one. */
  async #plan(views: readonly JobView[], now: InstantSeconds, signal: AbortSignal): Promise<void> {
    const { planner, onPlanned, onPlanFailed } = this.#options;
    const startedAt = performance.now();
    try {
      const plan = await planner.plan(this.#snapshot(views, now));
      // Who does not lead any more decides nothing.
      if (signal.aborted) return;
      this.#keep(plan, views, now);
      onPlanned({ plan, seconds: (performance.now() - startedAt) / 1000 });
    } catch (error) {
      const problem = error instanceof PlannerError ? error.problem : 'Failed';
      if (!signal.aborted) onPlanFailed({ problem, message: error instanceof Error ? error.message : String(error) });
    }
  }

  #snapshot(views: readonly JobView[], now: InstantSeconds): Snapshot {
    const { cluster, memory, electricityOf } = this.#options;
    return {
      now,
      jobs: views
        .filter((view) => view.pool !== undefined && view.job.spec.suspend !== true)
        .map((view) => {
          const findings = memory.get(keyOf(view.job), view.job.metadata.uid) ?? remembered(view);
          const seen = snapshotJob(view, findings.evidence, findings.account.cost);
          const priors = believedOf(cluster, view);
          return priors.length === 0 ? seen : { ...seen, priors };
        }),
      pools: cluster.pools.list().map((pool) => snapshotPool(cluster, pool, now, electricityOf?.(pool, now))),
    };
  }

  /**
   * Stores each decision with the instant of its snapshot: one that a change of the job has overtaken is told by it.
   * Jobs that were deleted meanwhile, or made anew under the same name, get none.
   */
  #keep(plan: FleetPlan, views: readonly JobView[], now: InstantSeconds): void {
    const { memory, enqueue } = this.#options;
    const uids = new Map(views.map(({ job }) => [keyOf(job), job.metadata.uid]));
    for (const decision of plan.decisions) {
      const findings = memory.get(decision.key, uids.get(decision.key));
      if (findings === undefined) continue;
      memory.set(decision.key, { ...findings, decision, decidedAt: now });
      enqueue(decision.key);
    }
  }

  #planIntervalSeconds(jobs: readonly TrainingJobObject[]): number {
    const policies = this.#options.cluster.policies.list();
    const namespaces = new Set(jobs.map((job) => job.metadata.namespace ?? ''));
    return Math.min(...[...namespaces].map((namespace) => policyFor(namespace, policies).planIntervalSeconds));
  }
}

/** What the status kept from before a restart of the operator. */
function remembered(view: JobView): JobFindings {
  const { status } = view;
  return {
    uid: view.job.metadata.uid,
    evidence: decodeEvidence(status.bookkeeping?.evidence),
    decision: undefined,
    decidedAt: undefined,
    account: accountIn(status),
  };
}

/** The configuration that the trainer's version stands for: the newest sent, or the last one it confirmed. */
function configurationInForce(view: JobView, reading: TrainerReading): Configuration | undefined {
  const shape = shapeOf(view.pool);
  const current = currentConfiguration({ ...view, shape });
  const version = reading.configVersion;
  if (version === undefined || view.tuning === undefined) return undefined;
  if (version >= view.tuning.version) return current;
  const good = view.status.batch?.lastGood;
  // Versions in between were never in force, or only asked for a checkpoint.
  if (good === undefined || version < good.version) return undefined;
  const replicas = current.replicas * (good.dataParallelSize / current.dataParallelSize);
  return configurationOf(good, view.limits, shape, replicas);
}

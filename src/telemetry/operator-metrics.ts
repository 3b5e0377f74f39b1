import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

const PREFIX = 'stepwise_';
/** Gauges of prom-client whose names end as only counters' may. */
const MISNAMED = ['nodejs_active_handles_total', 'nodejs_active_requests_total', 'nodejs_active_resources_total'];
const JOB_LABELS = ['namespace', 'name'] as const;

/** Everything the operator tells about the jobs and about its own work, under the prefix `stepwise_`. */
export class OperatorMetrics {
  readonly registry = new Registry();

  readonly jobState = this.#gauge('training_job_state', 'State of the job: 1 for the state it is in.', [
    ...JOB_LABELS,
    'state',
  ]);
  readonly workers = this.#gauge('training_job_workers', 'Workers, desired and ready.', [...JOB_LABELS, 'kind']);
  readonly globalBatchSize = this.#gauge('training_job_global_batch_size', 'Samples per optimizer step.', JOB_LABELS);
  readonly samplesPerSecond = this.#gauge('training_job_samples_per_second', 'Throughput of the job.', JOB_LABELS);
  readonly progress = this.#gauge('training_job_progress_ratio', 'Share of the work done, 0 to 1.', JOB_LABELS);
  readonly etaSeconds = this.#gauge('training_job_eta_seconds', 'Time until the work is done.', JOB_LABELS);
  readonly costAccrued = this.#gauge('training_job_cost_accrued', 'Money spent so far.', [...JOB_LABELS, 'currency']);
  readonly costPerHour = this.#gauge('training_job_cost_per_hour', 'Money spent per hour.', [
    ...JOB_LABELS,
    'currency',
  ]);
  readonly costToTarget = this.#gauge('training_job_cost_to_target', 'Estimated money until the work is done.', [
    ...JOB_LABELS,
    'currency',
    'bound',
  ]);
  readonly energyJoules = this.#gauge('training_job_energy_joules', 'Energy used so far, at the meter.', [
    ...JOB_LABELS,
    'kind',
  ]);
  readonly co2eKilograms = this.#gauge('training_job_co2e_kilograms', 'CO2e emitted so far.', JOB_LABELS);
  readonly pauses = this.#gauge('training_job_pauses', 'Pauses so far for cheaper hours.', JOB_LABELS);
  readonly pausedSeconds = this.#gauge(
    'training_job_paused_seconds',
    'Time waited for hours so far, the present pause left out.',
    JOB_LABELS,
  );
  readonly noiseScale = this.#gauge(
    'training_job_gradient_noise_scale',
    'Estimated gradient noise scale in samples.',
    JOB_LABELS,
  );
  readonly condition = this.#gauge('training_job_condition', 'Condition of the job: 1 for the status it has.', [
    ...JOB_LABELS,
    'type',
    'status',
  ]);
  readonly predictionError = this.#gauge(
    'prediction_relative_error',
    'Forecast of the whole run over what it came to, less 1; of runs that are complete.',
    [...JOB_LABELS, 'quantity'],
  );
  readonly poolNodes = this.#gauge('pool_nodes', 'Nodes of the pool: desired, ready and busy.', ['pool', 'kind']);
  readonly poolGpus = this.#gauge('pool_gpus', 'GPUs of the pool: total, allocated and foreign.', ['pool', 'kind']);
  readonly poolCost = this.#counter(
    'pool_cost_total',
    'Money that the nodes of the pool have cost, by whose they were: jobs, foreign or unclaimed.',
    ['pool', 'currency', 'kind'],
  );
  readonly decisions = this.#counter('decisions_total', 'Decisions by action and reason.', ['action', 'reason']);
  readonly planDuration = this.#histogram('plan_duration_seconds', 'Time to plan the whole fleet.', []);
  readonly planCost = this.#gauge(
    'plan_cost_to_target',
    'Money until the work of all jobs that may be moved is done, as planned last.',
    ['currency'],
  );
  readonly planLowerBound = this.#gauge('plan_cost_to_target_lower_bound', 'What no plan of those jobs goes below.', [
    'currency',
  ]);
  readonly planGap = this.#gauge('plan_optimality_gap_ratio', 'Proven distance of the two as a share, 0 to 1.', [
    'currency',
  ]);
  readonly planFailures = this.#counter('plan_failures_total', 'Plans that could not be made.', ['problem']);
  readonly energySignal = this.#gauge('energy_signal', 'Value of the signal in the slot that has begun.', [
    'source',
    'signal',
    'unit',
  ]);
  readonly energyReadAt = this.#gauge('energy_read_timestamp_seconds', 'When the provider last answered.', ['source']);
  readonly energyKnownUntil = this.#gauge(
    'energy_known_until_timestamp_seconds',
    'How far values are measured or published.',
    ['source'],
  );
  readonly energyExpectedGain = this.#gauge(
    'energy_expected_gain_ratio',
    'What working in the best third of a day is expected to bring.',
    ['source'],
  );
  readonly energyFailures = this.#gauge('energy_read_failures', 'Readings that failed in a row.', ['source']);
  readonly metricsReadDuration = this.#histogram(
    'metrics_read_duration_seconds',
    'Time to read the metrics of all trainers.',
    ['result'],
  );
  readonly events = this.#counter('events_total', 'Events by reason and outcome.', ['reason', 'outcome']);
  readonly requestDuration = this.#histogram('kube_request_duration_seconds', 'Requests to the API server.', [
    'verb',
    'resource',
    'status',
  ]);
  readonly watchRestarts = this.#counter('kube_watch_restarts_total', 'Watches that ended and were started again.', [
    'resource',
    'cause',
  ]);
  readonly queueDepth = this.#gauge('workqueue_depth', 'Keys ready to be worked on.', ['queue']);
  readonly queueAdds = this.#counter('workqueue_adds_total', 'Keys added.', ['queue']);
  readonly queueRetries = this.#counter('workqueue_retries_total', 'Keys added again after a failure.', ['queue']);
  readonly queueLatency = this.#histogram('workqueue_queue_duration_seconds', 'Wait of a key in the queue.', ['queue']);
  readonly workDuration = this.#histogram('workqueue_work_duration_seconds', 'Time to work on a key.', ['queue']);
  readonly reconciles = this.#counter('controller_reconciles_total', 'Reconciles by result.', ['controller', 'result']);
  readonly leading = this.#gauge('leader', '1 while this process leads.', ['lease']);

  /** Those that show the state of energy sources, filled at every scrape. */
  get energyGauges(): readonly { reset(): void }[] {
    const { energySignal, energyReadAt, energyKnownUntil, energyExpectedGain, energyFailures } = this;
    return [energySignal, energyReadAt, energyKnownUntil, energyExpectedGain, energyFailures];
  }

  /** Those that show the state of jobs and pools, filled at every scrape. */
  get fleetGauges(): readonly { reset(): void }[] {
    const { jobState, workers, globalBatchSize, samplesPerSecond, progress, etaSeconds, costAccrued } = this;
    const { costPerHour, costToTarget, noiseScale, condition, predictionError, poolNodes, poolGpus } = this;
    const { energyJoules, co2eKilograms, pauses, pausedSeconds } = this;
    return [
      ...[jobState, workers, globalBatchSize, samplesPerSecond, progress, etaSeconds, costAccrued],
      ...[costPerHour, costToTarget, noiseScale, condition, predictionError, poolNodes, poolGpus],
      ...[energyJoules, co2eKilograms, pauses, pausedSeconds],
    ];
  }

  constructor() {
    collectDefaultMetrics({ register: this.registry, prefix: PREFIX });
    for (const name of MISNAMED) this.registry.removeSingleMetric(`${PREFIX}${name}`);
  }

  #gauge<L extends string>(name: string, help: string, labelNames: readonly L[]): Gauge<L> {
    return new Gauge({ name: `${PREFIX}${name}`, help, labelNames, registers: [this.registry] });
  }

  #counter<L extends string>(name: string, help: string, labelNames: readonly L[]): Counter<L> {
    return new Counter({ name: `${PREFIX}${name}`, help, labelNames, registers: [this.registry] });
  }

  #histogram<L extends string>(name: string, help: string, labelNames: readonly L[]): Histogram<L> {
    const buckets = [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10];
    return new Histogram({ name: `${PREFIX}${name}`, help, labelNames, buckets, registers: [this.registry] });
  }
}

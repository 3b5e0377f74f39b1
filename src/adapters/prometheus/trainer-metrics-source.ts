import { TRAINER_METRICS } from '../../api/trainer-metrics.ts';
import type { TrainerReading } from '../../core/estimate/reading.ts';
import type { MetricsSource } from '../../ports/metrics-source.ts';
import type { PrometheusClient } from './client.ts';
import { QUERIES, type QueryName } from './queries.ts';
import type { Sample } from './schema.ts';

/** Values of one job: by metric name, by label where a metric has one, and the two that come without a name. */
type JobValues = Map<string, number>;

const NAMES = Object.keys(QUERIES) as QueryName[];

/** Reads all training jobs with ten instant queries. */
export class PrometheusTrainerMetrics implements MetricsSource {
  readonly #client: PrometheusClient;

  constructor(client: PrometheusClient) {
    this.#client = client;
  }

  async readTrainers(signal?: AbortSignal): Promise<ReadonlyMap<string, TrainerReading>> {
    const answers = await Promise.all(NAMES.map((name) => this.#client.query(QUERIES[name], signal)));
    const jobs = new Map<string, JobValues>();
    answers.forEach((samples, index) => {
      for (const sample of samples) collect(jobs, NAMES[index] ?? 'sums', sample);
    });
    const readings = new Map<string, TrainerReading>();
    for (const [key, values] of jobs) {
      const reading = toReading(values);
      if (reading !== undefined) readings.set(key, reading);
    }
    return readings;
  }
}

function collect(jobs: Map<string, JobValues>, query: QueryName, sample: Sample): void {
  const { namespace, training_job: name, __name__: metric, part, reason, phase } = sample.labels;
  if (namespace === undefined || name === undefined) return;
  const key = `${namespace}/${name}`;
  const values = jobs.get(key) ?? new Map<string, number>();
  jobs.set(key, values);
  values.set(metric ?? `${query}:${part ?? reason ?? phase ?? ''}`, sample.value);
}

function toReading(values: JobValues): TrainerReading | undefined {
  const observedAt = values.get('scrapedAt:');
  const ranks = values.get('ranks:');
  if (observedAt === undefined || ranks === undefined) return undefined;
  const of = (metric: { readonly name: string }) => values.get(metric.name);
  const step = TRAINER_METRICS.stepDuration.name;
  // While ranks still change over, the highest use may be of the new micro batch and the lowest version the old one.
  const changing = (values.get('versionSpread:') ?? 0) > 0;
  return {
    observedAt,
    ranks,
    steps: of(TRAINER_METRICS.steps),
    samples: of(TRAINER_METRICS.samples),
    stepSecondsSum: values.get(`${step}_sum`),
    stepSecondsCount: values.get(`${step}_count`),
    computeSecondsSum: values.get('phases:compute'),
    synchronizationSecondsSum: values.get('phases:synchronization'),
    gradientSmallSum: of(TRAINER_METRICS.gradientSmallBatchSquareNorm),
    gradientLargeSum: of(TRAINER_METRICS.gradientLargeBatchSquareNorm),
    gradientObservations: of(TRAINER_METRICS.gradientObservations),
    gradientSmallBatch: values.get('gradientBatchSizes:small'),
    gradientLargeBatch: values.get('gradientBatchSizes:large'),
    loss: of(TRAINER_METRICS.loss),
    validationLoss: of(TRAINER_METRICS.validationLoss),
    memoryUsedBytes: changing ? undefined : of(TRAINER_METRICS.memoryUsed),
    memoryLimitBytes: of(TRAINER_METRICS.memoryLimit),
    configVersion: of(TRAINER_METRICS.configVersion),
    configAppliedStep: of(TRAINER_METRICS.configAppliedStep),
    rejectedVersion: of(TRAINER_METRICS.configRejectedVersion),
    rejectionReason: mostFrequentReason(values),
    checkpointStep: of(TRAINER_METRICS.checkpointStep),
    checkpointRequest: of(TRAINER_METRICS.checkpointRequest),
    targetSteps: of(TRAINER_METRICS.targetSteps),
    completedRatio: of(TRAINER_METRICS.completedRatio),
  };
}

function mostFrequentReason(values: JobValues): string | undefined {
  const counts = [...values].filter(([name, count]) => name.startsWith('rejections:') && count > 0);
  const most = counts.sort(([, one], [, other]) => other - one)[0];
  return most?.[0].slice('rejections:'.length);
}

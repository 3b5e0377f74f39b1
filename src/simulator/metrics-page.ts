import { TRAINER_METRICS, type TrainerMetric } from '../api/trainer-metrics.ts';
import type { HistogramFigures } from './step-histogram.ts';
import type { TrainerFigures } from './trainer.ts';

export const METRICS_CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

interface Series {
  readonly suffix?: '_bucket' | '_sum' | '_count';
  readonly labels?: Readonly<Record<string, string>>;
  /** Left out of the page when it is not known. */
  readonly value: number | undefined;
}

/** The metrics page of one rank, in Prometheus' text format. The gradients are those of all ranks: rank 0 tells them. */
export function renderMetricsPage(figures: TrainerFigures, rank: number): string {
  const m = TRAINER_METRICS;
  const first = rank === 0;
  const blocks = [
    block(m.steps, [{ value: figures.steps }]),
    block(m.samples, [{ value: figures.samplesPerRank }]),
    block(m.stepDuration, [
      ...histogram(figures.total, { phase: 'total' }),
      ...histogram(figures.compute, { phase: 'compute' }),
      ...histogram(figures.synchronization, { phase: 'synchronization' }),
    ]),
    block(m.gradientSmallBatchSquareNorm, [{ value: first ? figures.gradientSmallSum : undefined }]),
    block(m.gradientLargeBatchSquareNorm, [{ value: first ? figures.gradientLargeSum : undefined }]),
    block(m.gradientObservations, [{ value: first ? figures.gradientObservations : undefined }]),
    block(m.gradientBatchSize, [
      { labels: { part: 'small' }, value: first ? figures.gradientBatches?.small : undefined },
      { labels: { part: 'large' }, value: first ? figures.gradientBatches?.large : undefined },
    ]),
    block(m.loss, [{ value: figures.loss }]),
    block(m.memoryUsed, [{ value: figures.memoryUsedBytes }]),
    block(m.memoryLimit, [{ value: figures.memoryLimitBytes }]),
    block(m.configVersion, [{ value: figures.configVersion }]),
    block(m.configAppliedStep, [{ value: figures.configAppliedStep }]),
    block(m.configRejectedVersion, [{ value: figures.rejectedVersion }]),
    block(
      m.configRejections,
      Object.entries(figures.rejections).map(([reason, value]) => ({ labels: { reason }, value })),
    ),
    block(m.checkpointStep, [{ value: figures.checkpoint?.step }]),
    block(m.checkpointRequest, [{ value: figures.checkpoint?.request }]),
    block(m.checkpointDuration, histogram(figures.checkpoints, {})),
    block(m.completedRatio, [{ value: figures.completedRatio }]),
  ];
  return blocks.join('');
}

function block(metric: TrainerMetric, series: readonly Series[]): string {
  const lines = series.flatMap(({ suffix = '', labels = {}, value }) => {
    if (value === undefined) return [];
    const pairs = Object.entries(labels).map(([name, text]) => `${name}="${text}"`);
    const selector = pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
    return [`${metric.name}${suffix}${selector} ${value}\n`];
  });
  if (lines.length === 0) return '';
  return `# HELP ${metric.name} ${metric.meaning}\n# TYPE ${metric.name} ${metric.type}\n${lines.join('')}`;
}

function histogram(figures: HistogramFigures, labels: Readonly<Record<string, string>>): Series[] {
  return [
    ...figures.buckets.map(({ bound, count }) => ({
      suffix: '_bucket' as const,
      labels: { ...labels, le: String(bound) },
      value: count,
    })),
    { suffix: '_bucket', labels: { ...labels, le: '+Inf' }, value: figures.count },
    { suffix: '_sum', labels, value: figures.sum },
    { suffix: '_count', labels, value: figures.count },
  ];
}

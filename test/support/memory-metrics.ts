import type { TrainerPage } from '../conformance/metrics-source.ts';
import type { LoopbackPrometheus, Series } from './a-prometheus-answer.ts';

/** Evaluates the fixed queries over trainers' pages as Prometheus would. */
export function evaluate(jobs: Readonly<Record<string, readonly TrainerPage[]>>): LoopbackPrometheus['answers'] {
  const of = (make: (pages: readonly TrainerPage[], labels: Record<string, string>) => readonly Series[]) =>
    Object.entries(jobs).flatMap(([key, pages]) => {
      const [namespace = '', name = ''] = key.split('/');
      return make(pages, { namespace, training_job: name });
    });
  const reduced = (metrics: readonly string[], reduce: (values: number[]) => number) =>
    of((pages, labels) =>
      metrics.flatMap((metric) => {
        const values = pages
          .flatMap((page) => page[metric] ?? [])
          .map((text) => Number(text.replace('Inf', 'Infinity')));
        if (values.length === 0) return [];
        return [{ labels: { ...labels, __name__: `stepwise_trainer_${metric}` }, value: write(reduce(values)) }];
      }),
    );
  const phase = (name: string) => `step_duration_seconds_sum{phase="${name}"}`;
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  return {
    sums: [
      ...reduced(['samples_total', 'gradient_observations_total'], sum),
      ...reduced([phase('total')], sum).map(({ labels, value }) => ({
        labels: { ...labels, __name__: 'stepwise_trainer_step_duration_seconds_sum' },
        value,
      })),
    ],
    phases: ['compute', 'synchronization'].flatMap((name) =>
      reduced([phase(name)], sum).map(({ labels: { __name__, ...labels }, value }) => ({
        labels: { ...labels, phase: name },
        value,
      })),
    ),
    lowest: reduced(['steps_total', 'config_version'], (values) => Math.min(...values)),
    highest: reduced(['memory_used_bytes'], (values) => Math.max(...values)),
    averages: reduced(['loss'], (values) => sum(values) / values.length),
    versionSpread: of((pages, labels) => {
      const versions = pages.flatMap((page) => page['config_version'] ?? []).map(Number);
      return versions.length === 0 ? [] : [{ labels, value: String(Math.max(...versions) - Math.min(...versions)) }];
    }),
    ranks: of((pages, labels) => [{ labels, value: String(pages.length) }]),
    scrapedAt: of((_, labels) => [{ labels, value: '1700000000.5' }]),
  };
}

function write(value: number): string {
  return Number.isFinite(value) || Number.isNaN(value) ? String(value) : value > 0 ? '+Inf' : '-Inf';
}

import { isPlausible } from '../../core/estimate/reading.ts';
import { duration } from '../../core/explain/figures.ts';
import type { JobFindings } from '../fleet/fleet-memory.ts';
import { toInstant } from '../instants.ts';
import { reportBudget } from './budget.ts';
import type { Draft } from './draft.ts';
import { reportHours } from './hours.ts';
import type { JobView } from './view.ts';

/** Conditions about what is known of the run: its metrics, its deadline, its budget. */
export function reportSignals(view: JobView, draft: Draft, findings: JobFindings): void {
  reportMetrics(view, draft);
  reportDeadline(view, draft, findings);
  reportBudget(view, draft, findings);
  reportHours(view, draft, findings.decision);
}

function reportMetrics(view: JobView, draft: Draft): void {
  const { metricsProblem, reading, now, limits } = view;
  if (view.livePods.length === 0) {
    draft.condition('MetricsAvailable', 'Unknown', 'NotRunning', 'there are no workers to measure');
  } else if (metricsProblem !== undefined) {
    draft.condition('MetricsAvailable', 'Unknown', 'PrometheusUnavailable', metricsProblem.slice(0, 2048));
  } else if (reading === undefined) {
    const message = 'Prometheus has no stepwise_trainer_steps_total of this job; is the port named "stepwise" scraped?';
    draft.condition('MetricsAvailable', 'False', 'MetricsMissing', message);
  } else if (now - reading.observedAt > limits.stalenessLimitSeconds) {
    const limit = duration(limits.stalenessLimitSeconds);
    const message = `the newest sample is of ${toInstant(reading.observedAt)}, older than the limit of ${limit}`;
    draft.condition('MetricsAvailable', 'False', 'MetricsStale', message);
  } else {
    reportCompleteness(view, draft);
  }
}

function reportCompleteness(view: JobView, draft: Draft): void {
  const { reading } = view;
  if (reading === undefined) return;
  const implausible = Object.entries(reading).find(
    ([, value]) => typeof value === 'number' && (!Number.isFinite(value) || value < 0),
  );
  if (implausible !== undefined && implausible[0] !== 'loss' && implausible[0] !== 'validationLoss') {
    const message = `the trainer reports ${implausible[0]} = ${implausible[1]}; it counts as unknown`;
    draft.condition('MetricsAvailable', 'False', 'MetricsImplausible', message);
  } else if (!isPlausible(reading.samples)) {
    const message = 'stepwise_trainer_samples_total is missing: the job is only observed';
    draft.condition('MetricsAvailable', 'False', 'MetricsMissing', message);
  } else if (!isPlausible(reading.gradientObservations)) {
    const message = 'the gradient statistics are missing: the batch is left as it is';
    draft.condition('MetricsAvailable', 'True', 'MetricsPartial', message);
  } else {
    draft.condition('MetricsAvailable', 'True', 'MetricsAvailable', 'every signal is there');
  }
}

function reportDeadline(view: JobView, draft: Draft, findings: JobFindings): void {
  const { deadline } = view.limits;
  const { decision } = findings;
  if (deadline === undefined) {
    draft.condition('DeadlineAtRisk', 'False', 'NoDeadline', 'no deadline is set');
  } else if (view.now > deadline) {
    draft.condition('DeadlineAtRisk', 'True', 'DeadlineExceeded', `the deadline ${toInstant(deadline)} has passed`);
  } else if (decision?.plan === undefined || decision.estimate?.remainingWork === 'Assumed') {
    draft.condition('DeadlineAtRisk', 'Unknown', 'ForecastUnknown', 'there is not enough data for a forecast');
  } else if (decision.deadlineAtRisk) {
    const earliest = toInstant(view.now + decision.plan.earliest90);
    const message = `the forecast misses ${toInstant(deadline)}; the earliest safe deadline is ${earliest}`;
    draft.condition('DeadlineAtRisk', 'True', 'ForecastLate', message);
  } else {
    draft.condition('DeadlineAtRisk', 'False', 'OnTime', `the forecast meets ${toInstant(deadline)}`);
  }
}

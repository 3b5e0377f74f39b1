// The end of the demo: what each job cost, and what it would have cost as its user asked for it.

import type { TrainingJobObject } from '../../../src/controllers/kinds.ts';
import type { Bill } from './billing.ts';
import { dollars } from './job-line.ts';
import { DEMO_POOLS, TIME_LAPSE } from './settings.ts';
import type { SimulatedRun } from './simulated-run.ts';
import { pad, type Style } from './table.ts';
import { type Yield, yieldOf } from './yielding.ts';

/** The operator counts the money by itself; more than this share outside of what the API server shows is told. */
const TOLERATED_DIFFERENCE = 0.05;

export interface Outcome {
  readonly name: string;
  readonly succeeded: boolean;
  /** In the job's own time, from being applied to the last worker's end. */
  readonly guessSeconds: number;
  readonly stepwiseSeconds: number;
  readonly deadlineSeconds: number | undefined;
  readonly guessUsd: number;
  readonly stepwiseUsd: number;
  /** The part of stepwiseUsd while workers stood on the machines, and what the operator says it is. */
  readonly workersUsd: number;
  readonly operatorUsd: number;
  /** What it gave up for others; undefined when nothing. */
  readonly gaveUp: Yield | undefined;
}

export interface Ended {
  readonly job: TrainingJobObject;
  readonly run: SimulatedRun;
  readonly bill: Bill;
  readonly appliedAt: number;
  readonly endedAt: number;
  readonly deadlineSeconds: number | undefined;
}

/**
 * The guess is the same training held fixed, from the exact model that the simulated trainer draws its steps from, with
 * the same time before its first step and after its last one, on machines billed by the same rule.
 */
export function outcomeOf(
  { job, run, bill, appliedAt, endedAt, deadlineSeconds }: Ended,
  all: readonly TrainingJobObject[],
): Outcome {
  const pool = DEMO_POOLS.find(({ name }) => name === job.spec.capacity.pools[0]?.name);
  if (pool === undefined) throw new Error(`${job.metadata.name} names no pool of the demo`);
  const { firstStepAt, doneAt } = run;
  const succeeded = job.status?.state === 'Complete' && firstStepAt !== undefined && doneAt !== undefined;
  const nodes = Math.ceil(job.spec.replicas / pool.gpusPerNode);
  const training = run.asGuessed(nodes).seconds;
  const ending = endedAt - (doneAt ?? endedAt);
  const beforeFirstStep = (firstStepAt ?? endedAt) - appliedAt;
  const billedBeforeFirstStep = (firstStepAt ?? endedAt) - (bill.firstBilledAt ?? appliedAt);
  const billed = billedBeforeFirstStep + training + ending;
  return {
    name: job.metadata.name,
    succeeded,
    guessSeconds: (beforeFirstStep + training + ending) * TIME_LAPSE,
    stepwiseSeconds: (endedAt - appliedAt) * TIME_LAPSE,
    deadlineSeconds: deadlineSeconds === undefined ? undefined : deadlineSeconds * TIME_LAPSE,
    guessUsd: (nodes * pool.usdPerNodeHour * TIME_LAPSE * billed) / 3600,
    stepwiseUsd: bill.machinesUsd,
    workersUsd: bill.workersUsd,
    operatorUsd: Number(job.status?.cost?.accrued ?? Number.NaN),
    gaveUp: yieldOf(job, all),
  };
}

export interface Verdict {
  readonly guessUsd: number;
  readonly stepwiseUsd: number;
  readonly savingPercent: number;
  readonly problems: readonly string[];
}

export function judge(outcomes: readonly Outcome[]): Verdict {
  const guessUsd = sum(outcomes.map((outcome) => outcome.guessUsd));
  const stepwiseUsd = sum(outcomes.map((outcome) => outcome.stepwiseUsd));
  const problems = outcomes.flatMap((outcome) => problemsOf(outcome));
  if (!outcomes.some(({ gaveUp }) => gaveUp !== undefined && gaveUp.receivers.length > 0)) {
    problems.push('no job gave GPUs up for one with a deadline');
  }
  if (stepwiseUsd > guessUsd) problems.push(`Stepwise cost ${dollars(stepwiseUsd)}, the guesses ${dollars(guessUsd)}`);
  return { guessUsd, stepwiseUsd, savingPercent: saving(guessUsd, stepwiseUsd), problems };
}

function problemsOf(outcome: Outcome): string[] {
  const { name, succeeded, guessUsd, stepwiseUsd, gaveUp } = outcome;
  if (!succeeded) return [`${name} did not complete`];
  const late = isLate(outcome, outcome.stepwiseSeconds);
  const problems = late ? [`${name} missed its deadline under Stepwise`] : [];
  // To be in time may cost more than to be late, and to let others be in time more than not to.
  const rescued = isLate(outcome, outcome.guessSeconds) && !late;
  if (stepwiseUsd > guessUsd && !rescued && gaveUp === undefined) problems.push(`${name} was dearer under Stepwise`);
  return problems;
}

/** The operator counts machines from when they register until they go: more than workers stand on them, less than the bill. */
export function differencesToOperator(outcomes: readonly Outcome[]): string[] {
  const isBetween = ({ workersUsd, operatorUsd, stepwiseUsd }: Outcome) =>
    operatorUsd >= workersUsd * (1 - TOLERATED_DIFFERENCE) && operatorUsd <= stepwiseUsd * (1 + TOLERATED_DIFFERENCE);
  return outcomes
    .filter((outcome) => !isBetween(outcome))
    .map(
      ({ name, workersUsd, operatorUsd, stepwiseUsd }) =>
        `the operator counted ${dollars(operatorUsd)} for ${name}, the API server shows ${dollars(workersUsd)} with workers and ${dollars(stepwiseUsd)} in all`,
    );
}

/** What it meant for those who gave GPUs up, better or worse than their guess. */
export function renderYields(outcomes: readonly Outcome[]): string[] {
  return outcomes.flatMap((outcome) => {
    const { name, gaveUp, guessSeconds, stepwiseSeconds, guessUsd, stepwiseUsd } = outcome;
    if (gaveUp === undefined) return [];
    const receivers = gaveUp.receivers.length === 0 ? 'others' : gaveUp.receivers.join(' and ');
    const longer = stepwiseSeconds - guessSeconds;
    const dearer = stepwiseUsd - guessUsd;
    return [
      `${name} gave up ${gaveUp.from - gaveUp.to} of its ${gaveUp.from} GPUs for ${receivers}: ` +
        `it ended ${clock(Math.abs(longer))} ${longer < 0 ? 'sooner' : 'later'} and cost ` +
        `${dollars(Math.abs(dearer))} ${dearer < 0 ? 'less' : 'more'} than as guessed.`,
    ];
  });
}

export function renderSummary(outcomes: readonly Outcome[], verdict: Verdict, style: Style): string[] {
  const row = (cells: readonly string[]) =>
    cells.map((cell, index) => (index === 0 ? cell.padEnd(18) : pad(cell, WIDTHS[index] ?? 10))).join('  ');
  return [
    style.bold(
      row([
        'JOB',
        'AS GUESSED',
        'UNDER STEPWISE',
        'SAVING',
        'TIME',
        'DEADLINE',
        'GUESS',
        'STEPWISE',
        'OPERATOR’S COUNT',
      ]),
    ),
    ...outcomes.map((outcome) =>
      row([
        outcome.name,
        dollars(outcome.guessUsd),
        dollars(outcome.stepwiseUsd),
        percent(saving(outcome.guessUsd, outcome.stepwiseUsd)),
        `${clock(outcome.guessSeconds)} → ${clock(outcome.stepwiseSeconds)}`,
        outcome.deadlineSeconds === undefined ? 'none' : clock(outcome.deadlineSeconds),
        lateness(outcome, outcome.guessSeconds),
        lateness(outcome, outcome.stepwiseSeconds),
        dollars(outcome.operatorUsd),
      ]),
    ),
    style.bold(row(['all', dollars(verdict.guessUsd), dollars(verdict.stepwiseUsd), percent(verdict.savingPercent)])),
  ];
}

const WIDTHS = [18, 10, 14, 6, 13, 8, 7, 8, 16];

function isLate({ deadlineSeconds }: Outcome, seconds: number): boolean {
  return deadlineSeconds !== undefined && seconds > deadlineSeconds;
}

function lateness(outcome: Outcome, seconds: number): string {
  if (outcome.deadlineSeconds === undefined) return '–';
  return isLate(outcome, seconds) ? 'late' : 'in time';
}

function saving(before: number, after: number): number {
  return 100 * (1 - after / before);
}

function percent(value: number): string {
  return `${value.toFixed(0)}%`;
}

/** Hours and minutes of the job's own time. */
export function clock(seconds: number): string {
  const minutes = Math.round(seconds / 60);
  return `${Math.floor(minutes / 60)}h${String(minutes % 60).padStart(2, '0')}`;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

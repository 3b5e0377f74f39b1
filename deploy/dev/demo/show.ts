// The part that people watch: applies the jobs and shows them until they have ended.

import { setTimeout as sleep } from 'node:timers/promises';
import { TRAINING_JOBS, type TrainingJobObject } from '../../../src/controllers/kinds.ts';
import { Informer } from '../../../src/kube/informer.ts';
import { keyOf } from '../../../src/kube/resource.ts';
import type { Billing } from './billing.ts';
import type { ClusterAccess } from './cluster-access.ts';
import type { Fleet } from './fleet.ts';
import { type JobLine, jobLine } from './job-line.ts';
import { createJob, deadlineSeconds, readJobs } from './objects.ts';
import type { OperatorProcess } from './operator-process.ts';
import { DEMO_NAMESPACE, TIME_LAPSE } from './settings.ts';
import { clock, type Ended } from './summary.ts';
import { renderPlain, renderTable, Screen, type Style, tableRows, WIDTH } from './table.ts';

const REDRAW_MILLISECONDS = 500;
const PLAIN_SECONDS = 5;
/** The clock's line and the empty lines around the table. */
const FRAME_ROWS = 3;
/** Twice what the slowest job takes as its user guessed it. */
const GIVE_UP_SECONDS = 300;

export interface Show {
  readonly access: ClusterAccess;
  readonly fleet: Fleet;
  readonly billing: Billing;
  readonly operator: OperatorProcess;
  readonly style: Style;
  readonly restartSeconds: number;
  readonly stop: AbortSignal;
}

interface Playing {
  readonly job: TrainingJobObject;
  readonly deadlineSeconds: number | undefined;
  endedAt: number | undefined;
}

/** Returns when all jobs have ended, or the signal aborts. @throws Error when something does not get on */
export async function playJobs(show: Show): Promise<readonly Ended[]> {
  const { access, stop } = show;
  const jobs = new Informer<TrainingJobObject>({
    client: access.client,
    namespace: DEMO_NAMESPACE,
    resource: TRAINING_JOBS,
  });
  jobs.run(stop).catch(() => undefined);
  await jobs.synced;

  const appliedAt = Date.now() / 1000;
  const playing: Playing[] = [];
  for (const job of readJobs()) {
    const created = await createJob(access.client, job, show.restartSeconds);
    playing.push({ job: created, deadlineSeconds: deadlineSeconds(job), endedAt: undefined });
  }
  await showUntilEnded(show, jobs, playing, appliedAt);
  return playing.flatMap(({ job, endedAt, deadlineSeconds }) => {
    const key = keyOf(job);
    const run = show.fleet.run(key);
    const last = jobs.get(key) ?? job;
    if (run === undefined || endedAt === undefined) return [];
    return [{ job: last, run, bill: show.billing.of(job.metadata.name), appliedAt, endedAt, deadlineSeconds }];
  });
}

async function showUntilEnded(
  show: Show,
  jobs: Informer<TrainingJobObject>,
  playing: readonly Playing[],
  appliedAt: number,
): Promise<void> {
  const draw = fitsTable(process.stdout, playing.length) ? drawInPlace(show, appliedAt) : writeLines(show, appliedAt);
  while (!show.stop.aborted) {
    const now = Date.now() / 1000;
    const current = playing.map(({ job }) => jobs.get(keyOf(job)) ?? job);
    noteEnds(show, playing, current, now);
    draw(
      current.map((job) => jobLine(job, show.billing.of(job.metadata.name))),
      now,
    );
    if (playing.every(({ endedAt }) => endedAt !== undefined)) return;
    const problem = show.operator.ended();
    if (problem !== undefined) throw new Error(problem);
    if (now - appliedAt > GIVE_UP_SECONDS) {
      throw new Error(
        `the jobs did not end within ${GIVE_UP_SECONDS} s; the operator's log is ${show.operator.logPath}`,
      );
    }
    await sleep(REDRAW_MILLISECONDS);
  }
}

function noteEnds(
  { billing }: Show,
  playing: readonly Playing[],
  current: readonly TrainingJobObject[],
  now: number,
): void {
  for (const [index, { status, metadata }] of current.entries()) {
    const one = playing[index];
    const isOver = status?.state === 'Complete' || status?.state === 'Failed';
    if (one === undefined || one.endedAt !== undefined || !isOver) continue;
    one.endedAt = now;
    billing.close(metadata.name);
  }
}

/** Lines that the terminal breaks, or scrolls away, cannot be drawn over. */
function fitsTable({ isTTY, columns, rows }: NodeJS.WriteStream, jobs: number): boolean {
  return isTTY === true && columns >= WIDTH && rows > FRAME_ROWS + tableRows(jobs);
}

type Draw = (lines: readonly JobLine[], now: number) => void;

function drawInPlace(show: Show, appliedAt: number): Draw {
  const screen = new Screen(process.stdout);
  return (lines, now) => screen.draw([clockLine(show, now - appliedAt), '', ...renderTable(lines, show.style), '']);
}

function writeLines(show: Show, appliedAt: number): Draw {
  let toldAt = 0;
  return (lines, now) => {
    if (now - toldAt < PLAIN_SECONDS) return;
    toldAt = now;
    console.log(clockLine(show, now - appliedAt));
    for (const line of lines) console.log(`  ${renderPlain(line)}`);
  };
}

function clockLine({ billing }: Show, seconds: number): string {
  const machines = billing.machines;
  return (
    `${clock(seconds * TIME_LAPSE)} of the jobs' time (${seconds.toFixed(0)} s here); ` +
    `${machines} machine${machines === 1 ? '' : 's'} rented`
  );
}

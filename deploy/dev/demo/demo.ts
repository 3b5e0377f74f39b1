// `make demo`: five TrainingJobs on a local cluster, their guesses corrected before your eyes.

import path from 'node:path';
import { reportToTerminal, timed } from '../progress.ts';
import { kubeconfigPath } from '../settings.ts';
import { Billing } from './billing.ts';
import { buildClusterPrograms, type ClusterAccess, openGivenCluster, openLocalCluster } from './cluster-access.ts';
import { renderDecisions } from './decisions.ts';
import { Fleet } from './fleet.ts';
import { buildOperator } from './operator-build.ts';
import { type OperatorProcess, startOperator } from './operator-process.ts';
import { keepResults, knownRestartSeconds } from './results.ts';
import { DEMO_NAMESPACE, resultPath, TIME_LAPSE } from './settings.ts';
import { playJobs } from './show.ts';
import { prepareStage, removeJobs, removePools } from './stage.ts';
import { differencesToOperator, type Ended, judge, outcomeOf, renderSummary, renderYields } from './summary.ts';
import { styleFor } from './table.ts';

const SEED = 7;
const report = reportToTerminal;
const style = styleFor(process.stdout, process.env);
const stop = new AbortController();

interface Stamps {
  begun: number;
  installed: number;
  built: number;
  started: number;
}

async function main(): Promise<number> {
  const stamps = readStamps(process.env);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stop.abort());
  explain();

  // 1. Build what is missing: the operator, and the programs of the local cluster.
  const given = process.env['KUBECONFIG'];
  const isLocal = given === undefined || given === '' || path.resolve(given) === kubeconfigPath;
  await timed(report, 'The operator is built', buildOperator);
  if (isLocal) await buildClusterPrograms();
  stamps.built = Date.now() / 1000;

  // 2. A cluster, with the demo's pools.
  const access = isLocal ? await openLocalCluster(report) : await openGivenCluster(given);
  let operator: OperatorProcess | undefined;
  try {
    await timed(report, 'The pools are there', () => prepareStage(access.client));

    // 3. The operator, and the workers that it does not know to be simulated.
    operator = await timed(report, 'The operator works', () =>
      startOperator({ kubeconfig: access.kubeconfig, prometheusUrl: access.prometheusUrl, port: access.operatorPort }),
    );
    const fleet = new Fleet({ client: access.client, namespace: DEMO_NAMESPACE, seed: SEED, onProblem: report });
    const billing = new Billing(access.client);
    await Promise.all([fleet.start(stop.signal), billing.start(stop.signal)]);
    stamps.started = Date.now() / 1000;
    report('');

    // 4. The jobs, until they have ended.
    const restartSeconds = knownRestartSeconds();
    const show = { access, fleet, billing, operator, style, restartSeconds, stop: stop.signal };
    const ended = await playJobs(show);
    if (stop.signal.aborted) return 130;

    // 5. What it was worth.
    return summarise(access, ended, stamps);
  } finally {
    await tidyUp(access, operator);
  }
}

function explain(): void {
  report(style.bold('Stepwise demo: five training jobs with guessed batch sizes and GPUs, corrected while they run.'));
  report(
    'Kubernetes, Karpenter, Prometheus and the operator are real. Nodes and trainers are simulated; the trainers follow',
  );
  report('published measurements of trainings on T4 GPUs.');
  report(
    `Time-lapse ${TIME_LAPSE}×: an hour of a job takes ${3600 / TIME_LAPSE} s. Times, rates and costs below are the job's, not the clock's.\n`,
  );
}

function summarise(access: ClusterAccess, ended: readonly Ended[], stamps: Stamps): number {
  const jobs = ended.map(({ job }) => job);
  const outcomes = ended.map((each) => outcomeOf(each, jobs));
  const verdict = judge(outcomes);
  report(style.bold('What was decided'));
  for (const line of renderDecisions(ended)) report(line);
  report('');
  for (const line of renderSummary(outcomes, verdict, style)) report(line);
  report(style.dim('Billed are machines from launch to removal. The operator counts them from when they register.'));
  for (const line of renderYields(outcomes)) report(line);
  report('');
  for (const line of differencesToOperator(outcomes)) report(style.bad(`  ${line}`));
  for (const line of verdict.problems) report(style.bad(`  ${line}`));
  if (verdict.problems.length === 0) {
    report(style.good(`Stepwise saved ${verdict.savingPercent.toFixed(0)} % of what the guesses would have cost.`));
  }

  const now = Date.now() / 1000;
  const seconds = {
    install: stamps.installed - stamps.begun,
    build: stamps.built - stamps.installed,
    start: stamps.started - stamps.built,
    run: now - stamps.started,
    total: now - stamps.begun,
  };
  const parts = Object.entries(seconds).map(([name, value]) => `${name} ${value.toFixed(0)} s`);
  report(`Took: ${parts.join(', ')}. Figures: ${resultPath}`);
  keepResults({
    at: new Date().toISOString(),
    cluster: access.isLocal ? 'local' : 'given',
    timeLapse: TIME_LAPSE,
    seconds,
    restartSeconds: shortestRestartSeconds(ended),
    outcomes,
    verdict,
    decisions: Object.fromEntries(ended.map(({ job }) => [job.metadata.name, job.status?.decisions ?? []])),
  });
  return verdict.problems.length === 0 ? 0 : 1;
}

/** Of the resize that was disturbed least; 0 when there was none. */
function shortestRestartSeconds(ended: readonly Ended[]): number {
  const resized = ended.filter(({ job }) => (job.status?.rescales ?? 0) > 0);
  const seconds = resized.map(({ job }) => Number(job.status?.restartSeconds?.value ?? 0));
  return seconds.length === 0 ? 0 : Math.min(...seconds);
}

async function tidyUp(access: ClusterAccess, operator: OperatorProcess | undefined): Promise<void> {
  try {
    await timed(report, 'Jobs and nodes are given back', async () => {
      await removeJobs(access.client);
      await operator?.stop();
      await removePools(access.client);
    });
  } finally {
    await operator?.stop();
    stop.abort();
    await access.release();
    access.client.close();
  }
  if (!access.isLocal) return;
  report(
    '\nThe cluster still runs, for the next time; `make cluster-down` removes it. To try a job of your own on it:',
  );
  report(`  export KUBECONFIG=${access.kubeconfig}`);
  report(
    '  make operator                                # in a terminal of its own; docs/guide/demo.md goes on from here',
  );
}

/** Seconds since the epoch at which `make` began and had installed what is needed; now, when it was not told. */
function readStamps(environment: NodeJS.ProcessEnv): Stamps {
  const now = Date.now() / 1000;
  const begun = Number(environment['STEPWISE_DEMO_BEGUN'] || now);
  const installed = Number(environment['STEPWISE_DEMO_INSTALLED'] || now);
  return { begun, installed, built: now, started: now };
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(style.bad(error instanceof Error ? error.message : String(error)));
  process.exitCode = 1;
}

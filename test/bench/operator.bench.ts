import { serialize } from 'node:v8';
import { InProcessPlanner } from '../../src/adapters/planner/in-process-planner.ts';
import { SnapshotReceiver, SnapshotSender } from '../../src/adapters/planner/snapshot-transfer.ts';
import { WorkerPlanner } from '../../src/adapters/planner/worker-planner.ts';
import { FleetMemory } from '../../src/controllers/fleet/fleet-memory.ts';
import { Freshest } from '../../src/controllers/freshest.ts';
import { type Gatherers, gatherJobView } from '../../src/controllers/training-job/gather.ts';
import { type Evidence, foldReading } from '../../src/core/estimate/evidence.ts';
import type { Snapshot } from '../../src/core/snapshot.ts';
import type { Planner } from '../../src/ports/planner.ts';
import { aClusterView, aNode, aPod } from '../support/a-cluster-view.ts';
import { aConfiguration, aJob, aPool, evidenceOf, NOW } from '../support/a-job.ts';
import { aReading } from '../support/a-reading.ts';
import { aGpuPool, aPolicy, aTrainingJob } from '../support/a-training-job.ts';
import type { Bench } from './bench.ts';

const JOBS = 1000;
const NODES = 500;
const POLICIES = 40;
const ROUNDS = 5;

/** What a cycle of a large fleet costs the operator beside reading the metrics. */
export const operatorBench: Bench = {
  key: 'operator',
  title: `a look at ${JOBS} jobs on ${NODES} nodes, and their plan in a thread of its own`,
  async run(report) {
    return { ...lookFigures(), ...messageFigures(), ...(await delayFigures(report)) };
  },
};

function lookFigures() {
  const jobs = Array.from({ length: JOBS }, (_, index) => aTrainingJob({ name: `job-${index}` }));
  const nodes = Array.from({ length: NODES }, (_, index) => aNode(`n${index}`));
  const pods = jobs.map(({ metadata: { name } }, index) => aPod(name, { job: name, node: `n${index % NODES}` }));
  const policies = Array.from({ length: POLICIES }, (_, index) => {
    return aPolicy({ namespaces: index === 0 ? [] : [`team-${index}`] }, `policy-${index}`);
  });
  const pool = aGpuPool({ spec: { limits: { maxNodes: NODES } } });
  const cluster = aClusterView({ trainingJobs: jobs, nodes, pods, policies, pools: [pool] });
  const never = () => 0;
  const memory = new FleetMemory();
  const gatherers: Gatherers = { cluster, memory, workerJobs: new Freshest(never), configMaps: new Freshest(never) };
  const look = () => jobs.map((job) => gatherJobView(gatherers, job, NOW));
  // As it was before: the GPUs of the pool counted, and the policies sorted, for each job whether or not it asks.
  const lookAndCount = () => {
    for (const view of look()) {
      [...cluster.policies.list()].sort((one, other) => (one.metadata.name < other.metadata.name ? -1 : 1));
      view.reachableGpus();
    }
  };
  const microsecondsPerLook = (1e6 * medianSeconds(look)) / JOBS;
  const microsecondsPerLookCounting = (1e6 * medianSeconds(lookAndCount, 1)) / JOBS;
  return {
    microsecondsPerLook,
    microsecondsPerLookCounting,
    lookSpeedUp: microsecondsPerLookCounting / microsecondsPerLook,
  };
}

function messageFigures() {
  const first = fleetAt(0);
  const read = fleetAt(1);
  const sender = new SnapshotSender();
  const receiver = new SnapshotReceiver();
  const full = serialize(sender.messageFor(first)).byteLength;
  const unchanged = serialize(sender.messageFor(first)).byteLength;
  const afterReading = serialize(sender.messageFor(read)).byteLength;
  // A message is written on one thread and read on the other; both are timed here together.
  const messageSeconds = medianSeconds(() =>
    receiver.snapshotOf(structuredClone(new SnapshotSender().messageFor(first))),
  );
  return {
    fullMessageBytesPerJob: full / JOBS,
    unchangedMessageBytesPerJob: unchanged / JOBS,
    readMessageBytesPerJob: afterReading / JOBS,
    fullMessageMilliseconds: 1000 * messageSeconds,
  };
}

async function delayFigures(report: (line: string) => void) {
  const inProcess = new InProcessPlanner();
  const worker = new WorkerPlanner({ timeoutSeconds: 300 });
  // The first plan starts the thread and judges all jobs; the second is that of a later cycle with new readings.
  await worker.plan(fleetAt(0));
  await inProcess.plan(fleetAt(0));
  const here = await delays(inProcess, 2);
  const there = await delays(worker, 2);
  await worker.close();
  report(
    `longest hold-up of other work: ${here.milliseconds.toFixed(0)} ms in process, ${there.milliseconds.toFixed(0)} ms with a thread`,
  );
  return {
    holdUpMillisecondsInProcess: here.milliseconds,
    holdUpMillisecondsWithThread: there.milliseconds,
    holdUpRatio: there.milliseconds / here.milliseconds,
    planSecondsInProcess: here.seconds,
    planSecondsWithThread: there.seconds,
  };
}

/** Longest time that nothing else ran in this thread while a plan was made. */
async function delays(planner: Planner, round: number) {
  const snapshot = fleetAt(round);
  let last = performance.now();
  let milliseconds = 0;
  const tick = () => {
    milliseconds = Math.max(milliseconds, performance.now() - last);
    last = performance.now();
  };
  const timer = setInterval(tick, 1);
  const startedAt = performance.now();
  await planner.plan(snapshot);
  tick();
  clearInterval(timer);
  return { milliseconds, seconds: (performance.now() - startedAt) / 1000 };
}

/** Jobs with as much evidence as is kept of any; each round has one more reading of all of them. */
function fleetAt(round: number): Snapshot {
  const current = aConfiguration({ replicas: 2 });
  const jobs = BASES.map((base, index) => {
    const reading = aReading({
      ...{ observedAt: NOW + 30 * round, ranks: 2, configVersion: 1, steps: 10_000 + 200 * round },
      samples: 32 * (10_000 + 200 * round),
      stepSecondsSum: (0.15 + index / JOBS) * 400 * round,
      stepSecondsCount: 400 * round,
    });
    return aJob({
      key: `team/job-${index}`,
      limits: { canRescale: true, maxReplicas: 8, sizes: { type: 'PowersOfTwo' } },
      history: { current },
      evidence: round === 0 ? base : foldReading(base, reading, current, 16),
    });
  });
  return { now: NOW + 30 * round, jobs, pools: [aPool({ maxNodes: 4 * JOBS })] };
}

const BASES = Array.from({ length: JOBS }, (_, index) => fullEvidence(index));

function fullEvidence(index: number): Evidence {
  const timed = [1, 2, 4].flatMap((dataParallelSize) =>
    [16, 32, 64, 128].map((microBatchSize) => ({
      ...{ dataParallelSize, microBatchSize, nodes: dataParallelSize },
      gradientAccumulationSteps: 1,
    })),
  );
  const evidence = evidenceOf({
    overheadSeconds: 0.1 + index / JOBS,
    secondsPerSample: 0.001,
    synchronizationSeconds: 0.02,
    gradientNoiseScale: 900 + index,
    timed,
  });
  const points = <T>(count: number, make: (at: number) => T) => Array.from({ length: count }, (_, at) => make(at));
  return {
    ...evidence,
    losses: points(32, (at) => ({ referenceSamples: 1000 * at, validationLoss: 4 / (at + 1) })),
    noiseTrail: points(24, (at) => ({ referenceSamples: 40_000 * (at + 1), gradientNoiseScale: 900, weight: 40 })),
    memory: points(8, (at) => ({ microBatchSize: 16 * (at + 1), usedBytes: 1e9 * (at + 1), limitBytes: 16e9 })),
    last: aReading({ observedAt: NOW - 1, ranks: 2, configVersion: 1, steps: 9900, samples: 32 * 9900 }),
  };
}

function medianSeconds(work: () => unknown, rounds = ROUNDS): number {
  work();
  const times = Array.from({ length: rounds }, () => {
    const startedAt = performance.now();
    work();
    return (performance.now() - startedAt) / 1000;
  });
  return times.sort((one, other) => one - other)[Math.floor(rounds / 2)] ?? Number.NaN;
}

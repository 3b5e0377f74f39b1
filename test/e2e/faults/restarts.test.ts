import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { killProcess, startProcess } from '../../../deploy/dev/processes.ts';
import { CONFIG_MAPS, type ConfigMap, JOBS, TRAINING_JOBS } from '../../../src/controllers/kinds.ts';
import { readTuning } from '../../../src/controllers/training-job/tuning-file.ts';
import { Informer } from '../../../src/kube/informer.ts';
import { at, NAMESPACE, podsOf, readJob, until, untilJob } from '../../support/e2e-cluster.ts';
import { record, round } from '../../support/e2e-results.ts';
import { setStage } from '../../support/e2e-stage.ts';
import { gapsOf, restartsOf } from '../../support/e2e-trace.ts';

const API_SERVER_DOWN_SECONDS = 15;
const CHECKPOINT_SECONDS = 10;

describe('the API server is restarted', function () {
  this.timeout(300_000);
  const name = 'api-server';
  const { client, folder, train } = setStage(name);
  after(() => startProcess('kube-apiserver'));

  it('interrupts no step, and the operator goes on with the run', async () => {
    const args = ['--micro-batch-size=16', '--target-loss=0'];
    await train({ mode: 'Auto', globalBatchSize: 16, program: 'traced.py', args, targetLoss: 1.2 });
    const pods = await podsOf(client, name);

    await killProcess('kube-apiserver');
    await sleep(API_SERVER_DOWN_SECONDS * 1000);
    const versionDuring = folder.trace().at(-1)?.version ?? 0;
    await startProcess('kube-apiserver');
    await until('the API server answers', 60, async () => ({
      done: await readJob(client, name).then(
        () => true,
        () => false,
      ),
    }));
    const waited = await until('the batch is changed', 120, async () => {
      const last = folder.trace().at(-1);
      return { done: (last?.version ?? 0) > versionDuring, seen: last };
    });

    record('faults', 'apiServerRestarted', { downSeconds: API_SERVER_DOWN_SECONDS, nextChangeAfter: round(waited) });
    expect(gapsOf(folder.trace())).to.deep.equal([]);
    expect(restartsOf(folder.trace())).to.deep.equal([]);
    expect((await podsOf(client, name)).map(({ metadata }) => metadata.uid)).to.deep.equal(
      pods.map(({ metadata }) => metadata.uid),
    );
  });
});

/** When the operator is killed: so long after the phase was seen first. Two kills in each of five resizes. */
const KILLS: readonly (readonly [Kill, Kill])[] = [
  [
    { phase: 'WaitingForCapacity', afterMs: 0 },
    { phase: 'CheckpointRequested', afterMs: 0 },
  ],
  [
    { phase: 'CheckpointRequested', afterMs: 400 },
    { phase: 'Stopping', afterMs: 0 },
  ],
  [
    { phase: 'Stopping', afterMs: 700 },
    { phase: 'Starting', afterMs: 0 },
  ],
  [
    { phase: 'Starting', afterMs: 300 },
    { phase: 'Starting', afterMs: 1500 },
  ],
  [
    { phase: undefined, afterMs: 30 },
    { phase: 'Starting', afterMs: 4000 },
  ],
];

interface Kill {
  /** Undefined: before the operator can have noticed anything. */
  readonly phase: string | undefined;
  readonly afterMs: number;
}

const ORDER = ['WaitingForCapacity', 'CheckpointRequested', 'Stopping', 'Starting'];

describe('the operator is killed at ten points of resizes', function () {
  this.timeout(600_000);
  const name = 'operator-killed';
  const { client, operator, folder, train } = setStage(name);
  const stop = new AbortController();
  const versions: number[] = [];
  const killedIn: string[] = [];
  let watching: Promise<void> | undefined;
  after(async () => {
    stop.abort();
    await watching;
  });

  it('ends every one of them as it was meant', async () => {
    const args = ['--micro-batch-size=64', '--target-loss=0', `--checkpoint-every-seconds=${CHECKPOINT_SECONDS}`];
    await train({ mode: 'Observe', globalBatchSize: 64, program: 'traced.py', args, maxReplicas: 2 });
    const labelSelector = `stepwise.dev/training-job=${name}`;
    const watch = new Informer<ConfigMap>({ client, resource: CONFIG_MAPS, namespace: NAMESPACE, labelSelector });
    watch.onChange(({ object }) => versions.push(readTuning(object)?.version ?? Number.NaN));
    watching = watch.run(stop.signal);

    for (const [index, kills] of KILLS.entries()) {
      const replicas = index % 2 === 0 ? 2 : 1;
      await client.setScale(TRAINING_JOBS, at(name), { replicas });
      for (const kill of kills) await killAt(kill);
      await untilJob(client, name, { what: `${replicas} workers train`, seconds: 120 }, ({ status }) => {
        return status?.state === 'Running' && status.readyReplicas === replicas && status.resize === undefined;
      });
      const steps = folder.trace().length;
      await until('steps at the new size', 60, async () => ({ done: folder.trace().length > steps + 10 }));
      expect(folder.trace().at(-1)?.ranks).to.equal(replicas);
    }
  });

  it('leaves one workload, versions that only grew, and no step lost beyond a checkpoint', async () => {
    const trace = folder.trace();
    const restarts = restartsOf(trace);
    record('faults', 'operatorKilled', { killedIn, restarts, versions });
    const { items } = await client.list(JOBS, {
      namespace: NAMESPACE,
      labelSelector: `stepwise.dev/training-job=${name}`,
    });
    expect(items.map(({ metadata }) => metadata.name)).to.deep.equal([name]);
    expect(versions, 'versions').to.deep.equal([...versions].sort((one, other) => one - other));
    expect(gapsOf(trace)).to.deep.equal([]);
    expect(
      restarts.map(({ ranksAfter }) => ranksAfter),
      'restarts',
    ).to.deep.equal([2, 1, 2, 1, 2]);
    for (const { lostSteps, lostSeconds } of restarts) {
      expect(lostSteps).to.be.at.least(0);
      expect(lostSeconds).to.be.at.most(CHECKPOINT_SECONDS);
    }
    expect((await readJob(client, name)).status?.rescales).to.equal(KILLS.length);
  });

  async function killAt({ phase, afterMs }: Kill): Promise<void> {
    const rank = phase === undefined ? -1 : ORDER.indexOf(phase);
    const seen = await phaseFrom(rank);
    await sleep(afterMs);
    await operator.kill();
    killedIn.push(seen);
    await operator.start();
  }

  /** The phase once it is as far as wanted, or the end of the resize. */
  async function phaseFrom(rank: number): Promise<string> {
    if (rank < 0) return 'NotBegun';
    const giveUpAt = Date.now() + 90_000;
    let begun = false;
    while (Date.now() < giveUpAt) {
      const { status, spec } = await readJob(client, name);
      const phase = status?.resize?.phase;
      if (phase !== undefined && ORDER.indexOf(phase) >= rank) return phase;
      begun ||= phase !== undefined;
      if (phase === undefined && (begun || status?.replicas === spec.replicas)) return 'Ended';
      await sleep(50);
    }
    throw new Error(`the resize did not come to ${ORDER[rank]} within 90 s`);
  }
});

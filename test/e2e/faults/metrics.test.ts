import { renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { startProcess, stopProcess } from '../../../deploy/dev/processes.ts';
import { conditionOf, readJob, until, untilJob } from '../../support/e2e-cluster.ts';
import { record, round } from '../../support/e2e-results.ts';
import { setStage } from '../../support/e2e-stage.ts';
import { gapsOf, restartsOf } from '../../support/e2e-trace.ts';

const OUTAGE_SECONDS = process.env['STEPWISE_E2E_LONG'] === undefined ? 60 : 300;

describe(`Prometheus down for ${OUTAGE_SECONDS} s`, function () {
  this.timeout((OUTAGE_SECONDS + 300) * 1000);
  const name = 'no-metrics';
  const { client, folder, train } = setStage(name);
  after(() => startProcess('prometheus'));

  it('changes nothing, says why, and goes on afterwards', async () => {
    const args = ['--micro-batch-size=16', '--target-loss=0'];
    await train({ mode: 'Auto', globalBatchSize: 16, program: 'traced.py', args, targetLoss: 1.2 });

    await stopProcess('prometheus');
    const noticedAfter = await untilReason('PrometheusUnavailable', 'Unknown');
    const { version } = (await readJob(client, name)).status?.batch ?? {};
    const stepsBefore = folder.trace().length;
    await sleep(OUTAGE_SECONDS * 1000);
    const during = await readJob(client, name);
    const stepsDuring = folder.trace().length - stepsBefore;
    await startProcess('prometheus');
    const recoveredAfter = await untilReason('MetricsAvailable', 'True');

    record('faults', 'prometheusDown', { outageSeconds: OUTAGE_SECONDS, noticedAfter, recoveredAfter, stepsDuring });
    expect(conditionOf(during, 'MetricsAvailable')?.message).to.match(/Prometheus at http/);
    expect(during.status?.batch?.version, 'version of the tuning').to.equal(version);
    expect(stepsDuring, 'steps made meanwhile').to.be.greaterThan(OUTAGE_SECONDS);
    await until('the batch is raised again', 90, async () => {
      const last = folder.trace().at(-1);
      return { done: (last?.version ?? 0) > (version ?? 0), seen: last };
    });
    expect(gapsOf(folder.trace())).to.deep.equal([]);
    expect(restartsOf(folder.trace())).to.deep.equal([]);
  });

  async function untilReason(reason: string, status: string): Promise<number> {
    return round(
      await until(`MetricsAvailable is ${status}/${reason}`, 60, async () => {
        const condition = conditionOf(await readJob(client, name), 'MetricsAvailable');
        return { done: condition?.reason === reason && condition.status === status, seen: condition };
      }),
    );
  }
});

/** Lines of the metrics page that are wrong, and the field that the condition has to name. */
const WRONG: readonly { readonly what: string; readonly page: Record<string, string>; readonly field: string }[] = [
  { what: 'samples that are not a number', page: { samples_total: 'NaN' }, field: 'samples' },
  { what: 'a negative number of samples', page: { samples_total: '-500' }, field: 'samples' },
  {
    what: 'a step time that is not a number',
    // Without observations, or the noise scale would be known when the step time is right again.
    page: { 'step_duration_seconds_sum{phase="total"}': 'NaN', gradient_observations_total: '0' },
    field: 'stepSecondsSum',
  },
  {
    what: 'a negative square norm',
    page: { gradient_small_batch_square_norm_total: '-12.5' },
    field: 'gradientSmallSum',
  },
];
const HELD_SECONDS = 12;

describe('samples that cannot be true', function () {
  this.timeout(240_000);
  const name = 'implausible';
  const { client, folder, train } = setStage(name);
  const override = () => path.join(folder.path, 'override.json');

  it('are taken for unknown, and the batch stays as it is', async () => {
    // Wrong from the first scrape on: nothing that was learned before may stand in.
    show(WRONG[0]?.page);
    await train({ mode: 'Auto', globalBatchSize: 16, program: 'scripted.py', targetLoss: 1.6 });
    for (const { what, page, field } of WRONG) {
      show(page);
      await untilJob(client, name, { what: `${what}: the condition names ${field}`, seconds: 30 }, (job) => {
        const condition = conditionOf(job, 'MetricsAvailable');
        return condition?.reason === 'MetricsImplausible' && condition.message.includes(`${field} = `);
      });
      await sleep(HELD_SECONDS * 1000);
      const { status } = await readJob(client, name);
      record('faults', `implausible: ${what}`, {
        batch: status?.batch?.globalBatchSize,
        version: status?.batch?.version,
      });
      expect(status?.batch?.globalBatchSize, what).to.equal(16);
    }
  });

  it('hold nothing back once they are right again', async () => {
    rmSync(override());
    await untilJob(client, name, { what: 'the batch is raised', seconds: 90 }, ({ status }) => {
      return (status?.batch?.globalBatchSize ?? 0) > 16;
    });
    await untilJob(client, name, { what: 'MetricsAvailable is True', seconds: 20 }, (job) => {
      return conditionOf(job, 'MetricsAvailable')?.status === 'True';
    });
  });

  /** Renamed into place: a file read half-written would show the true page for one scrape. */
  function show(page: Record<string, string> | undefined): void {
    writeFileSync(`${override()}.new`, JSON.stringify(page));
    renameSync(`${override()}.new`, override());
  }
});

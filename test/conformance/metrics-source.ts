import { expect } from 'chai';
import type { TrainerReading } from '../../src/core/estimate/reading.ts';
import type { MetricsSource } from '../../src/ports/metrics-source.ts';

/** One page of a trainer, by metric name without the prefix, labels included; numbers as the page writes them. */
export type TrainerPage = Readonly<Record<string, string>>;

export interface SourceUnderTest {
  readonly source: MetricsSource;
  /** Makes the source show the ranks of these jobs, and nothing else. */
  show(jobs: Readonly<Record<string, readonly TrainerPage[]>>): Promise<void>;
}

const RANK: TrainerPage = {
  steps_total: '100',
  samples_total: '3200',
  config_version: '4',
  loss: '2.5',
  memory_used_bytes: '1000',
};

/** What every source of trainers' metrics must do. */
export function describeMetricsSource(name: string, open: () => Promise<SourceUnderTest>): void {
  describe(`${name} as a source of trainers' metrics`, () => {
    let it_: SourceUnderTest;
    before(async () => {
      it_ = await open();
    });
    const read = async (job = 'team/bert'): Promise<TrainerReading | undefined> =>
      (await it_.source.readTrainers()).get(job);

    it('knows nothing of a job that nobody scrapes', async () => {
      await it_.show({});
      expect((await it_.source.readTrainers()).size).to.equal(0);
    });

    it('reads one rank', async () => {
      await it_.show({ 'team/bert': [RANK] });
      const reading = await read();
      expect(reading).to.include({ ranks: 1, steps: 100, samples: 3200, configVersion: 4, loss: 2.5 });
      expect(reading?.observedAt, 'an instant').to.be.above(1_600_000_000);
    });

    it('adds samples up, and takes the slowest rank and the largest memory', async () => {
      const late = { ...RANK, steps_total: '99', memory_used_bytes: '1500', loss: '3.5' };
      await it_.show({ 'team/bert': [RANK, late] });
      expect(await read()).to.include({ ranks: 2, steps: 99, samples: 6400, loss: 3, memoryUsedBytes: 1500 });
    });

    it('takes the oldest version while ranks change over, and no memory, which may be of either', async () => {
      await it_.show({ 'team/bert': [RANK, { ...RANK, config_version: '3' }] });
      expect(await read()).to.include({ configVersion: 3, memoryUsedBytes: undefined });
    });

    it('tells jobs of the same name in two namespaces apart', async () => {
      await it_.show({ 'team/bert': [RANK], 'other/bert': [{ ...RANK, steps_total: '7' }] });
      expect((await read())?.steps).to.equal(100);
      expect((await read('other/bert'))?.steps).to.equal(7);
    });

    it('leaves out what no rank reports', async () => {
      await it_.show({ 'team/bert': [{ steps_total: '100' }] });
      const reading = await read();
      expect(reading?.steps).to.equal(100);
      expect(reading?.samples, 'not zero').to.equal(undefined);
      expect(reading?.gradientObservations).to.equal(undefined);
      expect(reading?.rejectionReason).to.equal(undefined);
    });

    it('passes on what is no number as it is', async () => {
      await it_.show({ 'team/bert': [{ ...RANK, loss: 'NaN', memory_used_bytes: '+Inf' }] });
      const reading = await read();
      expect(reading?.loss).to.be.NaN;
      expect(reading?.memoryUsedBytes).to.equal(Number.POSITIVE_INFINITY);
    });

    it('adds the phases of a step up by themselves', async () => {
      const phases = {
        'step_duration_seconds_sum{phase="total"}': '10',
        'step_duration_seconds_sum{phase="compute"}': '7',
        'step_duration_seconds_sum{phase="synchronization"}': '2.5',
      };
      await it_.show({ 'team/bert': [{ ...RANK, ...phases }, RANK, { ...RANK, ...phases }] });
      expect(await read()).to.include({ stepSecondsSum: 20, computeSecondsSum: 14, synchronizationSecondsSum: 5 });
      await it_.show({ 'team/bert': [RANK] });
      expect((await read())?.computeSecondsSum, 'not zero').to.equal(undefined);
    });

    it('forgets a job that is gone', async () => {
      await it_.show({ 'team/other': [RANK] });
      expect(await read()).to.equal(undefined);
    });
  });
}

import { expect } from 'chai';
import { TRAINER_METRICS, type TrainerMetric } from '../../../src/api/trainer-metrics.ts';
import { renderMetricsPage } from '../../../src/simulator/metrics-page.ts';
import { SimulatedTrainer } from '../../../src/simulator/trainer.ts';
import { aProfile } from '../../support/a-profile.ts';

interface Sample {
  readonly name: string;
  readonly labels: string;
  readonly value: number;
}

const METRICS: readonly TrainerMetric[] = Object.values(TRAINER_METRICS);

function aPage(rank = 0): string {
  const trainer = new SimulatedTrainer({
    profile: aProfile(),
    work: { steps: 2000, globalBatchSize: 64 },
    dataParallelSize: 2,
    nodes: 1,
    seed: 5,
    startedAtSeconds: 0,
  });
  const sizes = { globalBatchSize: 64, microBatchSize: 32, gradientAccumulationSteps: 1, dataParallelSize: 2 };
  const rest = { learningRateScale: 1, effectiveAt: 'nextStep', checkpointRequest: 1, reason: '' };
  trainer.offer(JSON.stringify({ protocol: 'stepwise.dev/trainer/v1', version: 4, ...sizes, ...rest }), 0);
  trainer.offer('no tuning', 10);
  trainer.advanceTo(30);
  return renderMetricsPage(trainer.read(), rank);
}

/** Reads a page by the grammar of the text format; throws at a line that does not follow it. */
function parsePage(page: string): readonly Sample[] {
  expect(page.endsWith('\n')).to.equal(true);
  return page
    .trimEnd()
    .split('\n')
    .flatMap((line) => {
      if (/^# (HELP|TYPE) \w+ .+$/.test(line)) return [];
      const found = /^([a-z_]+)(?:\{((?:\w+="[^"\\]*",?)*)\})? (-?[\d.e+-]+)$/.exec(line);
      if (found === null) throw new Error(`not a sample: ${line}`);
      return [{ name: found[1] ?? '', labels: found[2] ?? '', value: Number(found[3]) }];
    });
}

describe('simulated metrics page', () => {
  it('has every sample under a name and a type of the protocol', () => {
    const page = aPage();
    const names = new Set(parsePage(page).map(({ name }) => name.replace(/_(bucket|sum|count)$/, '')));
    for (const name of names) expect(METRICS.map((metric) => metric.name)).to.include(name);
    for (const name of names) {
      const type = METRICS.find((metric) => metric.name === name)?.type;
      expect(page).to.include(`# TYPE ${name} ${type}\n`);
    }
  });

  it('leaves out only what such a trainer does not know', () => {
    const shown = new Set(parsePage(aPage()).map(({ name }) => name.replace(/_(bucket|sum|count)$/, '')));
    const missing = METRICS.map(({ name }) => name).filter((name) => !shown.has(name));
    expect(missing).to.deep.equal([
      TRAINER_METRICS.validationLoss.name,
      TRAINER_METRICS.configRejectedVersion.name,
      TRAINER_METRICS.targetSteps.name,
    ]);
  });

  it('has histograms whose buckets grow to their count', () => {
    const total = parsePage(aPage()).filter(({ labels }) => labels.includes('phase="total"'));
    const buckets = total.filter(({ name }) => name.endsWith('_bucket')).map(({ value }) => value);
    const count = total.find(({ name }) => name.endsWith('_count'))?.value;
    expect([...buckets].sort((one, other) => one - other)).to.deep.equal(buckets);
    expect(buckets.at(-1)).to.equal(count);
    expect(count).to.be.above(100);
  });

  it('tells the gradients of all ranks once, and everything else on every rank', () => {
    const names = (rank: number) => new Set(parsePage(aPage(rank)).map(({ name }) => name));
    const onlyFirst = [...names(0)].filter((name) => !names(1).has(name));
    expect(onlyFirst.every((name) => name.includes('gradient'))).to.equal(true);
    expect(onlyFirst).to.have.length(4);
  });

  it('counts rejections by reason', () => {
    const invalid = parsePage(aPage()).find(({ labels }) => labels === 'reason="invalid"');
    expect(invalid).to.include({ name: TRAINER_METRICS.configRejections.name, value: 1 });
  });
});

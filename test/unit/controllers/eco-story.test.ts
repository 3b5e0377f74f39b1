import { expect } from 'chai';
import type { TrainingJobStatus } from '../../../src/api/training-job.ts';
import { EnergyMemory } from '../../../src/controllers/energy-source/energy-memory.ts';
import { poolElectricity } from '../../../src/controllers/energy-source/pool-energy.ts';
import { forecastSignal, whatIsKnown } from '../../../src/core/forecast/forecast.ts';
import { foldReading, NO_RECORD } from '../../../src/core/forecast/record.ts';
import { expectedShiftingGain, promisedShiftingGain } from '../../../src/core/forecast/shifting-gain.ts';
import type { SignalSlot } from '../../../src/core/forecast/signal-slot.ts';
import { aGpuPool, aTrainingJob } from '../../support/a-training-job.ts';
import { anEnergySource } from '../../support/an-energy-source.ts';
import { FleetWorld } from '../../support/shell/fleet-world.ts';
import { TRAINING } from '../../support/shell/stories.ts';

const HOUR = 3600;
/** 22:40 UTC; the hour from 23:00 is dear. */
const START = Date.parse('2023-11-14T22:40:00Z') / 1000;
const DEAR = { from: 1200, to: 1200 + HOUR };
const RUN_SECONDS = 5600;
const RENT = 0.05;
const WATTS = 1000;
const PUE = 1.2;

const hourOfDay = (instant: number) => Math.floor(instant / HOUR) % 24;
const SIGNALS = {
  tariff: {
    spec: {
      signal: 'Price',
      basis: undefined,
      currency: 'USD',
      provider: { type: 'Tariff', tariff: { pricePerKwh: '1' } },
    },
    valueAt: (instant: number) => (hourOfDay(instant) === 23 ? 4 : 0.1),
  },
  // Moving work for carbon is said to bring too little: it is planned by the mean, and accounted by the hour.
  grid: {
    spec: { minimumGainPercent: 100 },
    valueAt: (instant: number) => (hourOfDay(instant) === 22 ? 500 : 100),
  },
};

/** Both sources, with a week that was measured and two days that are published. */
function toldMemory(): EnergyMemory {
  const memory = new EnergyMemory();
  for (const [name, { spec, valueAt }] of Object.entries(SIGNALS)) {
    const source = anEnergySource({ name, spec });
    const first = Math.floor(START / HOUR) * HOUR - 7 * 24 * HOUR;
    const slots = Array.from({ length: 9 * 24 }, (_, hour): SignalSlot => {
      const from = first + hour * HOUR;
      return { from, to: from + HOUR, value: valueAt(from) };
    });
    const record = foldReading(NO_RECORD, slots, START);
    const known = whatIsKnown(record, START);
    const { signal } = source.spec;
    const expectedGain = expectedShiftingGain(known, signal, START) ?? promisedShiftingGain(record, signal, START);
    memory.set(name, { spec: source.spec, record, forecast: forecastSignal(record, START, known), expectedGain });
  }
  return memory;
}

describe('A job that prefers cheap hours, on a pool with energy sources', function () {
  this.timeout(60_000);

  const memory = toldMemory();
  const pool = aGpuPool({
    spec: {
      scaleDownDelaySeconds: 20,
      limits: { maxNodes: 2 },
      cost: { pricePerNodeHour: String(RENT) },
      energy: {
        priceSource: 'tariff',
        carbonSource: 'grid',
        billing: 'Metered',
        busyWattsPerGpu: WATTS,
        powerUsageEffectivenessPercent: 100 * PUE,
      },
    },
  });
  const job = aTrainingJob({
    name: 'thrifty',
    spec: {
      batch: { globalBatchSize: { initial: 256, max: 256 }, learningRate: { rule: 'Sqrt' } },
      elasticity: { minReplicas: 2, maxReplicas: 2 },
      objective: { work: { type: 'Steps', steps: 30_000 } },
      eco: { mode: 'Prefer' },
    },
  });
  const world = new FleetWorld({
    jobs: [{ job, training: TRAINING }],
    pools: [pool],
    foreignPods: [],
    startSeconds: START,
    electricityOf: (each, now) => poolElectricity(each, memory, now),
    gpuWatts: WATTS,
  });
  // What the meters of the site would come to.
  const invoice = { kilowattHours: 0, electricity: 0, kgCo2e: 0 };
  const seen = { pausedAt: Number.NaN, nodesGoneAt: Number.NaN, resumedAt: Number.NaN };
  let status: TrainingJobStatus = {};

  before(async () => {
    let drawn = 0;
    await world.run(RUN_SECONDS, () => {
      const instant = START + world.seconds - 1;
      const used = ((world.drawn.joules - drawn) / 3.6e6) * PUE;
      drawn = world.drawn.joules;
      invoice.kilowattHours += used;
      invoice.electricity += used * SIGNALS.tariff.valueAt(instant);
      invoice.kgCo2e += (used * SIGNALS.grid.valueAt(instant)) / 1000;
      const isPaused = world.job('thrifty').status?.pause !== undefined;
      if (isPaused && Number.isNaN(seen.pausedAt)) seen.pausedAt = world.seconds;
      if (isPaused && Number.isNaN(seen.nodesGoneAt) && world.nodesOf('t4') === 0) seen.nodesGoneAt = world.seconds;
      if (!isPaused && seen.pausedAt > 0 && Number.isNaN(seen.resumedAt)) seen.resumedAt = world.seconds;
    });
    status = world.job('thrifty').status ?? {};
  });

  it('pauses for the dear hour, gives its nodes back, and goes on after it', () => {
    expect(seen.pausedAt).to.be.within(DEAR.from - 60, DEAR.from + 120);
    expect(seen.nodesGoneAt).to.be.below(DEAR.from + 300);
    expect(seen.resumedAt).to.be.within(DEAR.to - 300, DEAR.to + 120);
    expect(status).to.include({ state: 'Running', pauses: 1 });
    expect(world.broken).to.deep.equal([]);
  });

  it('is charged with what its nodes and their meters came to, to one per cent', () => {
    const { cost, energy } = status;
    const total = (world.drawn.nodeSeconds * RENT) / HOUR + invoice.electricity;
    expect(Number(cost?.accrued)).to.be.within(0.99 * total, 1.01 * total);
    expect(Number(energy?.kilowattHours)).to.be.within(0.99 * invoice.kilowattHours, 1.01 * invoice.kilowattHours);
    expect(Number(energy?.co2eKilograms)).to.be.within(0.99 * invoice.kgCo2e, 1.01 * invoice.kgCo2e);
    expect(energy).to.include({ source: 'Counter', kilowattHoursWithoutIntensity: '0' });
  });
});

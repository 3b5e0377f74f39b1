import { expect } from 'chai';
import fc from 'fast-check';
import type { GpuReading } from '../../../../src/core/account/gpu-energy.ts';
import {
  type Charge,
  charge,
  type JobAccount,
  NEW_ACCOUNT,
  predictEnergy,
} from '../../../../src/core/account/job-account.ts';
import type { PoolHour } from '../../../../src/core/snapshot.ts';

const HOUR = 3600;
const KWH = 3.6e6;

const anHour = (parts: Partial<PoolHour> = {}): PoolHour => ({
  from: 0,
  to: HOUR,
  moneyPerKwh: 0.2,
  kgCo2ePerKwh: 0.4,
  rentFactor: undefined,
  relativeError: undefined,
  ...parts,
});

const aCharge = (parts: Partial<Charge> = {}): Charge => ({
  nodes: 1,
  pricePerNodeHour: 2,
  gpus: 2,
  readings: [],
  meter: { gpuWatts: 300, hostWatts: 0, powerUsageEffectiveness: 1 },
  hour: anHour(),
  ...parts,
});

const opened = (parts: Partial<JobAccount> = {}): JobAccount => ({ ...NEW_ACCOUNT, until: 0, ...parts });
const reading = (parts: Partial<GpuReading> = {}): GpuReading => ({
  id: 'pod/gpu',
  share: 1,
  joules: undefined,
  watts: undefined,
  ...parts,
});
const marked = (joules: number, at = 0) => new Map([['pod/gpu', { joules, at }]]);

/** Kilowatt-hours of an hour, and how they were known. */
const energies: Record<string, { charge: Partial<Charge>; marks?: JobAccount['marks']; kwh: number; source?: string }> =
  {
    'the model where nothing is measured': { charge: {}, kwh: 0.6, source: 'Model' },
    'nothing, but unknown time, where nobody said': {
      charge: { meter: { gpuWatts: undefined, hostWatts: 0, powerUsageEffectiveness: 1 } },
      kwh: 0,
    },
    'the counter': {
      charge: { gpus: 1, readings: [reading({ joules: 2 * KWH })] },
      marks: marked(KWH),
      kwh: 1,
      source: 'Counter',
    },
    'a share of the counter of a split GPU': {
      charge: { gpus: 1, readings: [reading({ joules: 2 * KWH, share: 3 / 7 })] },
      marks: marked(KWH),
      kwh: 3 / 7,
      source: 'Counter',
    },
    'power, not a counter that fell': {
      charge: { gpus: 1, readings: [reading({ joules: 5, watts: 250 })] },
      marks: marked(KWH),
      kwh: 0.25,
      source: 'Power',
    },
    'power, not a counter that leaps': {
      charge: { gpus: 1, readings: [reading({ joules: 1e12, watts: 250 })] },
      marks: marked(KWH),
      kwh: 0.25,
      source: 'Power',
    },
    'power before a counter has been read twice': {
      charge: { gpus: 1, readings: [reading({ joules: KWH, watts: 250 })] },
      kwh: 0.25,
      source: 'Power',
    },
    'the model for power that cannot be': {
      charge: { gpus: 1, readings: [reading({ watts: 9e18 })] },
      kwh: 0.3,
      source: 'Model',
    },
    'the model for the GPUs that nobody reads': {
      charge: { gpus: 3, readings: [reading({ watts: 100 })] },
      kwh: 0.7,
      source: 'Model',
    },
    'host and building': {
      charge: { nodes: 2, meter: { gpuWatts: 300, hostWatts: 100, powerUsageEffectiveness: 1.5 } },
      kwh: 1.5 * 0.8,
      source: 'Model',
    },
  };

describe('charge', () => {
  for (const [name, { charge: by, marks, kwh, source }] of Object.entries(energies)) {
    it(`counts ${name}`, () => {
      const account = charge(opened(marks === undefined ? {} : { marks }), aCharge(by), HOUR);
      expect(account.kilowattHours).to.be.closeTo(kwh, 1e-9);
      expect(account.energySource).to.equal(source);
    });
  }

  it('adds rent, electricity that the rent lacks, and carbon', () => {
    const account = charge(opened(), aCharge(), HOUR);
    expect(account.cost).to.be.closeTo(2 + 0.6 * 0.2, 1e-9);
    expect(account.kgCo2e).to.be.closeTo(0.24, 1e-9);
    expect(account.kilowattHoursWithoutIntensity).to.equal(0);
  });

  it('never takes what is unknown for nothing: it says of how much', () => {
    const hour = anHour({ kgCo2ePerKwh: undefined, moneyPerKwh: Number.NaN });
    const account = charge(opened(), aCharge({ hour }), HOUR);
    expect(account).to.deep.include({ cost: 2, kgCo2e: 0, kilowattHoursWithoutIntensity: 0.6 });
    const meter = { gpuWatts: undefined, hostWatts: 0, powerUsageEffectiveness: 1 };
    expect(charge(opened(), aCharge({ meter }), HOUR).unknownGpuSeconds).to.equal(2 * HOUR);
  });

  it('opens with the first look, and counts no time twice', () => {
    expect(charge(NEW_ACCOUNT, aCharge(), HOUR)).to.deep.equal({ ...NEW_ACCOUNT, until: HOUR });
    const later = opened({ until: 2 * HOUR, cost: 7 });
    expect(charge(later, aCharge(), HOUR)).to.deep.equal(later);
  });

  it('counts negative prices, as they are paid', () => {
    expect(charge(opened(), aCharge({ hour: anHour({ moneyPerKwh: -1 }) }), HOUR).cost).to.be.closeTo(1.4, 1e-9);
  });

  it('tells of a counter that moves now and then what it moved by, however often it is read', () => {
    const steps = fc.array(fc.record({ seconds: fc.integer({ min: 1, max: 20 }), moves: fc.boolean() }), {
      minLength: 3,
    });
    fc.assert(
      fc.property(steps, (all) => {
        const watts = 400;
        let now = 0;
        let written = 0;
        let account = charge(NEW_ACCOUNT, aCharge({ gpus: 1, readings: [reading({ joules: 0 })] }), now);
        for (const { seconds, moves } of all) {
          now += seconds;
          if (moves) written = watts * now;
          account = charge(account, aCharge({ gpus: 1, readings: [reading({ joules: written })] }), now);
        }
        expect(account.kilowattHours).to.be.closeTo(written / KWH, 1e-9);
        expect(account.modelledKilowattHours).to.equal(0);
      }),
    );
  });
});

describe('predictEnergy', () => {
  it('goes on at the mean draw and intensity', () => {
    const account = opened({ kilowattHours: 4, busySeconds: 2 * HOUR, kgCo2e: 0.5, kilowattHoursWithoutIntensity: 2 });
    expect(predictEnergy(account, 3 * HOUR)).to.deep.equal({ kilowattHours: 6, kgCo2e: 1.5 });
  });
  it('knows nothing of a run that has used nothing, or has no end', () => {
    expect(predictEnergy(opened(), HOUR)).to.equal(undefined);
    expect(predictEnergy(opened({ kilowattHours: 1, busySeconds: 1 }), Number.POSITIVE_INFINITY)).to.equal(undefined);
  });
  it('knows no carbon without an intensity', () => {
    const account = opened({ kilowattHours: 2, busySeconds: HOUR, kilowattHoursWithoutIntensity: 2 });
    expect(predictEnergy(account, HOUR)).to.deep.equal({ kilowattHours: 2, kgCo2e: undefined });
  });
});

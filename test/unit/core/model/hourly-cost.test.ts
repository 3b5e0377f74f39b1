import { expect } from 'chai';
import fc from 'fast-check';
import { type HourlyUse, hourlyCost, totalPerHour } from '../../../../src/core/model/hourly-cost.ts';
import { gpuWatts, meteredKilowattHours, nodesKilowatts } from '../../../../src/core/model/power.ts';
import { checkpointInterval, spotRisk } from '../../../../src/core/model/spot-risk.ts';

const USE: HourlyUse = {
  billedNodes: 2,
  pricePerNodeHour: 3,
  spotRisk: 0,
  kilowatts: 1.5,
  powerUsageEffectiveness: 1.2,
  tariffPerKilowattHour: undefined,
  carbonKilogramsPerKilowattHour: 0,
  embodiedKilogramsPerNodeHour: 0,
  carbonPricePerKilogram: 0,
  fixedPerHour: 0,
  timeValuePerHour: 0,
};

describe('hourlyCost', () => {
  const table: readonly { readonly name: string; readonly use: Partial<HourlyUse>; readonly want: number }[] = [
    { name: 'rent by node', use: {}, want: 6 },
    { name: 'rent of capacity that is taken back', use: { spotRisk: 0.1 }, want: 6.6 },
    { name: 'energy where the rent does not include it', use: { tariffPerKilowattHour: 0.2 }, want: 6 + 1.8 * 0.2 },
    {
      name: 'carbon at its shadow price',
      use: { carbonKilogramsPerKilowattHour: 0.4, carbonPricePerKilogram: 0.1 },
      want: 6 + 1.8 * 0.4 * 0.1,
    },
    {
      name: 'carbon of making the nodes',
      use: { embodiedKilogramsPerNodeHour: 0.05, carbonPricePerKilogram: 0.1 },
      want: 6 + 2 * 0.05 * 0.1,
    },
    { name: 'no carbon without a price', use: { carbonKilogramsPerKilowattHour: 0.4 }, want: 6 },
    { name: 'fixed costs and the value of time', use: { fixedPerHour: 1, timeValuePerHour: 2 }, want: 9 },
  ];
  for (const { name, use, want } of table) {
    it(`counts ${name}`, () => expect(totalPerHour(hourlyCost({ ...USE, ...use }))).to.be.closeTo(want, 1e-12));
  }

  it('scales with the currency', () => {
    fc.assert(
      fc.property(fc.double({ min: 0.01, max: 100, noNaN: true }), (factor) => {
        const all = {
          tariffPerKilowattHour: 0.2,
          carbonKilogramsPerKilowattHour: 0.4,
          embodiedKilogramsPerNodeHour: 1,
        };
        const inCurrency = (scale: number) =>
          totalPerHour(
            hourlyCost({
              ...USE,
              ...all,
              pricePerNodeHour: 3 * scale,
              tariffPerKilowattHour: 0.2 * scale,
              carbonPricePerKilogram: 0.1 * scale,
              fixedPerHour: scale,
              timeValuePerHour: 2 * scale,
            }),
          );
        expect(inCurrency(factor) / inCurrency(1)).to.be.closeTo(factor, 1e-9 * factor);
      }),
    );
  });
});

describe('power', () => {
  const gpu = { idleWatts: 40, fullWatts: 240 };
  for (const [utilisation, want] of [
    [0, 40],
    [0.5, 140],
    [1, 240],
    [1.3, 240],
    [-1, 40],
  ] as const) {
    it(`is ${want} W at a utilisation of ${utilisation}`, () => expect(gpuWatts(gpu, utilisation)).to.equal(want));
  }

  it('of nodes includes their hosts and the GPUs that idle', () => {
    const options = { nodes: 2, gpusPerNode: 4, busyGpus: 5, utilisation: 1, hostWatts: 100, gpu };
    expect(nodesKilowatts(options)).to.be.closeTo((200 + 5 * 240 + 3 * 40) / 1000, 1e-12);
  });

  it('is metered with what the building takes', () => expect(meteredKilowattHours(2, 3, 1.5)).to.equal(9));
});

describe('spotRisk', () => {
  it('is nothing where nothing interrupts', () => {
    expect(spotRisk({ interruptionsPerHour: 0, checkpointSeconds: 20, restartSeconds: 60 })).to.equal(0);
  });

  it('is half a checkpoint interval and a restart for each interruption', () => {
    // Every 10 hours: checkpoints every sqrt(2 × 20 × 36,000) = 1200 s, of which half is lost, and 60 s to restart.
    expect(checkpointInterval(20, 0.1)).to.be.closeTo(1200, 1e-9);
    const risk = spotRisk({ interruptionsPerHour: 0.1, checkpointSeconds: 20, restartSeconds: 60 });
    expect(risk).to.be.closeTo((0.1 * 660) / 3600, 1e-12);
  });
});

import { expect } from 'chai';
import fc from 'fast-check';
import { Cluster } from '../../../../src/simulator/cluster/cluster.ts';
import { Ledger } from '../../../../src/simulator/cluster/ledger.ts';
import { aPoolSpec } from '../../../support/a-scenario.ts';

const ENERGY = { pricePerMwh: 100, carbonGramsPerKwh: 500 };

describe('ledger', () => {
  const pool = aPoolSpec({
    gpusPerNode: 4,
    kind: 'Paid',
    maxNodes: 2,
    pue: 1.5,
    energyIncluded: false,
    idleWattsPerGpu: 10,
    busyWattsPerGpu: 70,
    hostWattsPerNode: 100,
  });
  const aCluster = () =>
    new Cluster({ pools: [pool], delivers: () => true, lifetimeSeconds: () => Number.POSITIVE_INFINITY });

  it('shares a node by GPUs, and its power by who draws it', () => {
    const cluster = aCluster();
    cluster.grant('busy', pool, 1, 0);
    cluster.grant('waiting', pool, 1, 0);
    const ledger = new Ledger();
    for (const node of cluster.nodes) {
      ledger.add(node, { seconds: 3600, isReady: true, computes: (job) => job === 'busy', energy: ENERGY });
    }
    const busyKwh = (1.5 * (0.5 * (100 + 40) + 60)) / 1000;
    const busy = ledger.of('busy');
    expect(busy.gpuSeconds).to.equal(3600);
    expect(busy.nodeBilledGpuSeconds).to.equal(2 * 3600);
    expect(busy.energyKwh).to.be.closeTo(busyKwh, 1e-12);
    expect(busy.cost).to.be.closeTo(3.6 + busyKwh * 0.1, 1e-12);
    expect(busy.co2eKg).to.be.closeTo(busyKwh * 0.5, 1e-12);
    expect(ledger.unallocated.cost).to.be.closeTo(7.2 + (1.5 * 140 * 0.1) / 1000, 1e-12);
  });

  it('charges electricity only where the rent does not include it', () => {
    const cluster = new Cluster({
      pools: [{ ...pool, energyIncluded: true }],
      delivers: () => true,
      lifetimeSeconds: () => Number.POSITIVE_INFINITY,
    });
    const ledger = new Ledger();
    for (const node of cluster.nodes) {
      ledger.add(node, { seconds: 3600, isReady: true, computes: () => true, energy: ENERGY });
    }
    expect(ledger.bill.cost).to.equal(2 * 7.2);
    expect(ledger.bill.co2eKg).to.be.greaterThan(0);
  });

  it('does not know the emissions of a sum of which a part is not known', () => {
    const cluster = aCluster();
    cluster.grant('job', pool, 4, 0);
    const ledger = new Ledger();
    const span = { seconds: 3600, isReady: true, computes: () => true };
    const add = (energy: typeof ENERGY | undefined) => {
      for (const node of cluster.nodes) ledger.add(node, { ...span, energy });
    };
    add(ENERGY);
    expect(ledger.of('job').co2eKg).to.be.greaterThan(0);
    add(undefined);
    expect(ledger.of('job').co2eKg).to.equal(undefined);
    expect(ledger.bill.co2eKg).to.equal(undefined);
    expect(ledger.of('nobody').co2eKg).to.equal(0);
  });

  it('loses nothing: the accounts together are the bill', () => {
    const spans = fc.array(
      fc.record({
        job: fc.constantFrom('a', 'b', 'c'),
        gpus: fc.integer({ min: 0, max: 6 }),
        seconds: fc.double({ min: 0, max: 1e5, noNaN: true }),
        isReady: fc.boolean(),
      }),
      { minLength: 1, maxLength: 30 },
    );
    fc.assert(
      fc.property(spans, (given) => {
        const cluster = aCluster();
        const ledger = new Ledger();
        for (const { job, gpus, seconds, isReady } of given) {
          cluster.release(job, 0);
          if (gpus > 0) cluster.grant(job, pool, gpus, 0);
          for (const node of cluster.nodes) {
            ledger.add(node, { seconds, isReady, computes: (name) => name !== 'b', energy: ENERGY });
          }
        }
        const accounts = [...['a', 'b', 'c'].map((job) => ledger.of(job)), ledger.unallocated];
        for (const figure of ['cost', 'energyKwh', 'co2eKg', 'gpuSeconds', 'nodeBilledGpuSeconds'] as const) {
          const sum = accounts.reduce((total, account) => total + (account[figure] ?? Number.NaN), 0);
          const billed = ledger.bill[figure] ?? Number.NaN;
          expect(sum).to.be.closeTo(billed, 1e-6 * Math.max(1, billed));
        }
      }),
    );
  });
});

import { expect } from 'chai';
import { EnergyMemory } from '../../../../src/controllers/energy-source/energy-memory.ts';
import { poolElectricity } from '../../../../src/controllers/energy-source/pool-energy.ts';
import { FleetCycle } from '../../../../src/controllers/fleet/fleet-cycle.ts';
import { FleetMemory } from '../../../../src/controllers/fleet/fleet-memory.ts';
import { Freshest } from '../../../../src/controllers/freshest.ts';
import { forecastSignal } from '../../../../src/core/forecast/forecast.ts';
import { foldReading, NO_RECORD } from '../../../../src/core/forecast/record.ts';
import { type FleetPlan, planFleet } from '../../../../src/core/plan-fleet.ts';
import type { Snapshot } from '../../../../src/core/snapshot.ts';
import type { ObjectStore } from '../../../../src/kube/object-store.ts';
import { type Planner, PlannerError } from '../../../../src/ports/planner.ts';
import { aClusterView, aNode } from '../../../support/a-cluster-view.ts';
import { aGpuPool, aTrainingJob, type GpuPoolParts } from '../../../support/a-training-job.ts';
import { anEnergySource } from '../../../support/an-energy-source.ts';

const START = 1_000_000;
const LOOK_SECONDS = 5;

/** A planner that answers when it is told to. */
class SlowPlanner implements Planner {
  readonly asked: { snapshot: Snapshot; answer(plan?: FleetPlan): void; fail(error: Error): void }[] = [];

  plan(snapshot: Snapshot): Promise<FleetPlan> {
    const { promise, resolve, reject } = Promise.withResolvers<FleetPlan>();
    this.asked.push({ snapshot, answer: (plan = planFleet(snapshot)) => resolve(plan), fail: reject });
    return promise;
  }
}

function aCycle(poolSpec: GpuPoolParts['spec'] = {}) {
  const job = aTrainingJob();
  const key = `${job.metadata.namespace}/${job.metadata.name}`;
  const planner = new SlowPlanner();
  const memory = new FleetMemory();
  const pools = [aGpuPool({ spec: poolSpec })];
  const cluster = aClusterView({ trainingJobs: [job], pools, nodes: [aNode('kept')] });
  const energy = new EnergyMemory();
  const known = { ofEnergy: true };
  const bills = { jobs: 0, foreign: 0, unclaimed: 0 };
  const clock = { now: START };
  const leading = new AbortController();
  const seen = { plans: 0, problems: [] as string[], enqueued: 0 };
  const cycle = new FleetCycle({
    cluster,
    memory,
    electricityOf: (pool, now) => poolElectricity(pool, energy, now),
    isEnergyRead: () => known.ofEnergy,
    onSettled: (settled) => {
      for (const bill of settled) {
        for (const kind of ['jobs', 'foreign', 'unclaimed'] as const) bills[kind] += bill[kind];
      }
    },
    planner,
    metrics: { readTrainers: async () => new Map() },
    gatherers: { cluster, memory, workerJobs: new Freshest(() => 0), configMaps: new Freshest(() => 0) },
    newest: (cached) => cached,
    nowSeconds: () => clock.now,
    enqueue: () => seen.enqueued++,
    onPlanned: () => seen.plans++,
    onPlanFailed: ({ problem }) => seen.problems.push(problem),
    onMetricsRead: () => undefined,
  });
  const look = async () => {
    await cycle.run(leading.signal);
    clock.now += LOOK_SECONDS;
  };
  const decided = () => memory.get(key, job.metadata.uid);
  return { cycle, planner, seen, clock, leading, look, decided, memory, key, energy, cluster, job, known, bills };
}

describe('the planning cycle of the fleet', () => {
  it('goes on looking while a plan is under way, and begins no second one', async () => {
    const { cycle, planner, look, seen } = aCycle();
    for (let looks = 0; looks < 20; looks++) await look();
    expect(planner.asked).to.have.lengthOf(1);
    expect(seen).to.deep.equal({ plans: 0, problems: [], enqueued: 20 });
    planner.asked[0]?.answer();
    await cycle.planned;
    expect(seen.plans).to.equal(1);
    await look();
    expect(planner.asked, 'the plan that was due meanwhile').to.have.lengthOf(2);
  });

  it('stores what was decided with the instant of the snapshot, and has the job reconciled', async () => {
    const { cycle, planner, look, decided, seen } = aCycle();
    await look();
    await look();
    const before = seen.enqueued;
    planner.asked[0]?.answer();
    await cycle.planned;
    expect(decided()?.decidedAt).to.equal(START);
    expect(decided()?.decision?.action).to.equal('Hold');
    expect(seen.enqueued).to.equal(before + 1);
  });

  it('holds what was decided last when a plan fails, and plans again when it is time', async () => {
    const { cycle, planner, look, decided, seen, clock } = aCycle();
    await look();
    planner.asked[0]?.answer();
    await cycle.planned;
    clock.now += 60;
    await look();
    planner.asked[1]?.fail(new PlannerError('TimedOut', 'no plan'));
    await cycle.planned;
    expect(seen.problems).to.deep.equal(['TimedOut']);
    expect(decided()?.decidedAt).to.equal(START);
    clock.now += 60;
    await look();
    expect(planner.asked).to.have.lengthOf(3);
  });

  it('decides nothing once it does not lead any more', async () => {
    const { cycle, planner, look, decided, seen, leading } = aCycle();
    await look();
    leading.abort();
    planner.asked[0]?.answer();
    await cycle.planned;
    expect(decided()?.decision).to.equal(undefined);
    expect(seen.plans).to.equal(0);
  });

  it('gives a job that was made anew under the same name no decision of the one before', async () => {
    const { cycle, planner, look, memory, key } = aCycle();
    await look();
    const found = memory.get(key, aTrainingJob().metadata.uid);
    if (found === undefined) throw new Error('the job was not learned of');
    memory.set(key, { ...found, uid: 'another' });
    planner.asked[0]?.answer();
    await cycle.planned;
    expect(memory.get(key, 'another')?.decision).to.equal(undefined);
  });

  it('waits for what was known of energy before a restart, but not for ever', async () => {
    const { planner, look, known, clock } = aCycle();
    known.ofEnergy = false;
    for (let looks = 0; looks < 3; looks++) await look();
    expect(planner.asked).to.have.lengthOf(0);
    clock.now += 60;
    await look();
    expect(planner.asked).to.have.lengthOf(1);
  });

  it('bills nodes while there are no jobs to nobody, and not to the one that comes then', async () => {
    const { look, clock, cluster, job, key, bills } = aCycle({ cost: { pricePerNodeHour: '3.60' } });
    const jobs = cluster.trainingJobs as unknown as ObjectStore<typeof job>;
    jobs.remove(key);
    await look();
    clock.now += 3600 - LOOK_SECONDS;
    await look();
    expect(bills.unclaimed).to.be.closeTo(3.6, 1e-9);
    jobs.put({ ...job, status: { replicas: 2 } });
    await look();
    expect(bills.jobs, 'it waits for nodes').to.be.closeTo(0.001 * LOOK_SECONDS, 1e-9);
  });

  it('hands the planner the hours of the pools that name energy sources', async () => {
    const { planner, look, energy } = aCycle({
      energy: { priceSource: 'tariff', billing: 'Metered', busyWattsPerGpu: 100, powerUsageEffectivenessPercent: 150 },
    });
    const { spec } = anEnergySource({
      spec: {
        signal: 'Price',
        basis: undefined,
        currency: 'USD',
        provider: { type: 'Tariff', tariff: { pricePerKwh: '1' } },
      },
    });
    const hour = Math.floor(START / 3600) * 3600;
    const slots = [0.1, 0.4].map((value, index) => ({
      from: hour + index * 3600,
      to: hour + (index + 1) * 3600,
      value,
    }));
    const record = foldReading(NO_RECORD, slots, START);
    energy.set('tariff', { spec, record, forecast: forecastSignal(record, START), expectedGain: undefined });
    await look();
    const [pool] = planner.asked[0]?.snapshot.pools ?? [];
    expect(pool?.kilowattsPerGpu).to.be.closeTo(0.15, 1e-12);
    expect(pool?.hours?.map(({ moneyPerKwh }) => moneyPerKwh)).to.deep.equal([0.1, 0.4]);
  });
});

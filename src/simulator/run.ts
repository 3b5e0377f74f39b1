import { Cluster } from './cluster/cluster.ts';
import { Ledger } from './cluster/ledger.ts';
import { CarryOut } from './fleet/carry-out.ts';
import { JobRecord } from './fleet/job-record.ts';
import { SimulatedJob } from './fleet/simulated-job.ts';
import { WatchedJob } from './fleet/watched-job.ts';
import { policyOf } from './policies/policies.ts';
import type { Policy } from './policies/policy.ts';
import type { OperatorKnowledge } from './policies/stepwise.ts';
import { normalNumbers, uniformNumbers } from './random.ts';
import type { DecisionRecord, SimulationResult } from './result.ts';
import type { Scenario } from './scenario.ts';
import { SeriesRecord } from './series-record.ts';
import { totalsOf } from './totals.ts';
import type { ArrivingJob } from './traces/arriving-job.ts';
import { type EnergySeries, readEnergy } from './traces/energy.ts';
import { readJobs } from './traces/jobs.ts';
import { TrainingRun } from './world/training-run.ts';

const SECONDS_PER_HOUR = 3600;

/** What a scenario names, read from its files. */
interface Inputs {
  readonly jobs: readonly ArrivingJob[];
  readonly energy: ReadonlyMap<string, EnergySeries>;
  readonly policy: (knowledge: OperatorKnowledge) => Policy;
}

/**
 * Runs a scenario to its end on a virtual clock. The same scenario gives the same result, but for milliseconds.
 * `given` takes the place of the jobs or the policy that the scenario names.
 */
export async function simulate(
  scenario: Scenario,
  given: {
    readonly jobs?: readonly ArrivingJob[];
    readonly policy?: Policy | ((knowledge: OperatorKnowledge) => Policy);
  } = {},
): Promise<SimulationResult> {
  const energy = new Map(Object.entries(scenario.energy).map(([zone, file]) => [zone, readEnergy(file)]));
  const jobs = given.jobs ?? readJobs(scenario);
  const { policy } = given;
  const named = policy === undefined ? await policyOf({ scenario, jobs, energy }) : policy;
  const make = typeof named === 'function' ? named : () => named;
  return new Simulation(scenario, { jobs, energy, policy: make }).run();
}

/** All instants are seconds since the start. */
class Simulation {
  readonly #scenario: Scenario;
  readonly #startsAt: number;
  readonly #policy: Policy;
  readonly #cluster: Cluster;
  readonly #carryOut: CarryOut;
  readonly #ledger = new Ledger();
  readonly #energy: ReadonlyMap<string, EnergySeries>;
  readonly #coming: SimulatedJob[];
  readonly #all: readonly SimulatedJob[];
  readonly #watched = new Map<SimulatedJob, WatchedJob>();
  readonly #records = new Map<SimulatedJob, JobRecord>();
  readonly #series: SeriesRecord;
  readonly #decisions: DecisionRecord[] = [];
  readonly #isLost: () => boolean;
  #active: SimulatedJob[] = [];
  #now = 0;
  #scrapeAt: number;
  #planAt = 0;
  #readings: { readonly at: number; readonly deliver: () => void }[] = [];

  constructor(scenario: Scenario, inputs: Inputs) {
    this.#scenario = scenario;
    this.#startsAt = Date.parse(scenario.startsAt) / 1000;
    const { seed, options } = scenario;
    const uniform = uniformNumbers(seed ^ 0x5eed);
    const perHour = options.spotInterruptionsPerNodeHour + options.nodeLossesPerNodeHour;
    this.#cluster = new Cluster({
      pools: scenario.pools,
      delivers: (pool, now) =>
        !options.stockOuts.some((span) => span.pool === pool && span.fromSeconds <= now && now < span.toSeconds),
      // Exponential: a node has no memory of how long it has lived.
      lifetimeSeconds: () =>
        perHour === 0 ? Number.POSITIVE_INFINITY : (-Math.log(1 - uniform()) / perHour) * SECONDS_PER_HOUR,
    });
    this.#carryOut = new CarryOut(this.#cluster, scenario);
    this.#energy = inputs.energy;
    this.#coming = inputs.jobs.map((arriving, index) => {
      const run = new TrainingRun({
        world: arriving.world,
        normal: normalNumbers(seed * 7919 + index),
        checkpointEverySeconds: scenario.checkpointEverySeconds,
        timingNoise: scenario.scrapeNoise,
        gradientNoise: scenario.gradientNoise,
      });
      return new SimulatedJob(arriving, run);
    });
    this.#all = [...this.#coming];
    for (const job of this.#all) {
      this.#watched.set(job, new WatchedJob(job, scenario, this.#startsAt));
      this.#records.set(job, new JobRecord(job));
    }
    this.#series = new SeriesRecord(scenario, this.#energy, this.#startsAt);
    this.#policy = inputs.policy({
      scenario,
      startsAt: this.#startsAt,
      watched: (job) => this.#watchedOf(job),
      accruedCost: (job) => this.#ledger.of(job.name).cost,
    });
    const gaps = uniformNumbers(seed ^ 0x6a95);
    this.#isLost = () => scenario.scrapeGapShare > 0 && gaps() < scenario.scrapeGapShare;
    this.#scrapeAt = scenario.scrapeIntervalSeconds;
  }

  async run(): Promise<SimulationResult> {
    while (this.#coming.length > 0 || this.#active.length > 0) {
      // 1. Let time pass until something happens.
      const next = this.#nextInstant();
      if (next > this.#scenario.maxSeconds) break;
      this.#pass(next);
      // 2. Let the world change: ends, losses, changes that take effect, nodes given back, arrivals.
      const changed = this.#happen();
      // 3. Look at the trainers.
      this.#scrape();
      // 4. Plan when it is time, and at once when the fleet has changed.
      if (changed || this.#now >= this.#planAt) await this.#plan();
      // 5. Write down what is.
      for (const job of this.#active) this.#records.get(job)?.look(this.#now);
      this.#series.look(this.#now, this.#cluster, this.#ledger.bill.cost);
    }
    return this.#result();
  }

  #nextInstant(): number {
    let next = this.#coming[0]?.arriving.submittedAt ?? Number.POSITIVE_INFINITY;
    next = Math.min(next, this.#cluster.nextChangeAt(this.#now));
    // While nobody is there, nothing need be looked at or planned.
    if (this.#active.length > 0) next = Math.min(next, this.#planAt, this.#scrapeAt, this.#readings[0]?.at ?? next);
    for (const job of this.#active) {
      next = Math.min(next, job.pending?.at ?? Number.POSITIVE_INFINITY, this.#now + job.run.secondsToEnd);
    }
    if (this.#energy.size > 0) {
      next = Math.min(next, (Math.floor(this.#now / SECONDS_PER_HOUR) + 1) * SECONDS_PER_HOUR);
    }
    return Math.max(next, this.#now);
  }

  #pass(until: number): void {
    const seconds = until - this.#now;
    if (seconds > 0) {
      const running = new Set(this.#active.filter((job) => job.run.layout !== undefined).map((job) => job.name));
      for (const node of this.#cluster.nodes) {
        const { zone } = node.pool;
        this.#ledger.add(node, {
          seconds,
          isReady: node.readyAt <= this.#now,
          computes: (job) => running.has(job),
          energy: zone === undefined ? undefined : this.#energy.get(zone)?.at(this.#startsAt + this.#now),
        });
      }
      for (const job of this.#active) job.run.advance(seconds);
    }
    this.#now = until;
  }

  /** Whether the fleet is another one now. */
  #happen(): boolean {
    const now = this.#now;
    let changed = false;
    for (const job of this.#active.filter(({ run }) => run.isDone)) {
      this.#carryOut.finish(job, now);
      this.#records.get(job)?.look(now);
      changed = true;
    }
    for (const name of this.#cluster.loseNodes(now)) {
      const job = this.#active.find((candidate) => candidate.name === name);
      if (job !== undefined) this.#carryOut.interrupt(job, now);
      changed = true;
    }
    while (this.#coming[0] !== undefined && this.#coming[0].arriving.submittedAt <= now) {
      this.#active.push(...this.#coming.splice(0, 1));
      changed = true;
    }
    this.#active = this.#active.filter((job) => job.state !== 'Ended');
    for (const job of this.#active) this.#carryOut.proceed(job, now);
    for (const job of this.#active) this.#carryOut.restoreInterrupted(job, now);
    this.#cluster.releaseIdle(now);
    return changed;
  }

  #scrape(): void {
    const { scrapeIntervalSeconds, scrapeLagSeconds } = this.#scenario;
    if (this.#now >= this.#scrapeAt) {
      for (const job of this.#active) {
        const reading = this.#isLost() ? undefined : job.run.read(this.#startsAt + this.#now);
        if (reading === undefined) continue;
        const deliver = () => this.#watchedOf(job).learn(reading);
        if (scrapeLagSeconds === 0) deliver();
        else this.#readings.push({ at: this.#now + scrapeLagSeconds, deliver });
      }
      this.#scrapeAt = nextMultiple(this.#now, scrapeIntervalSeconds);
    }
    while (this.#readings[0] !== undefined && this.#readings[0].at <= this.#now) this.#readings.shift()?.deliver();
  }

  async #plan(): Promise<void> {
    if (this.#now >= this.#planAt) this.#planAt = nextMultiple(this.#now, this.#scenario.planningIntervalSeconds);
    if (this.#active.length === 0) return;
    const startedAt = performance.now();
    const decision = await this.#policy.decide({ now: this.#now, jobs: this.#active, cluster: this.#cluster });
    const milliseconds = performance.now() - startedAt;
    this.#decisions.push({ at: this.#now, milliseconds, jobs: this.#active.length, gap: decision.gap });
    const byName = new Map(this.#active.map((job) => [job.name, job]));
    for (const { job: name, prediction } of decision.predictions ?? []) {
      const job = byName.get(name);
      if (job !== undefined) this.#records.get(job)?.predict(prediction);
    }
    this.#carryOut.apply(decision.orders, this.#now);
    for (const job of this.#active.filter(({ state }) => state === 'Ended')) this.#records.get(job)?.look(this.#now);
    this.#active = this.#active.filter((job) => job.state !== 'Ended');
    this.#cluster.releaseIdle(this.#now);
  }

  #watchedOf(job: SimulatedJob): WatchedJob {
    const watched = this.#watched.get(job);
    if (watched === undefined) throw new Error(`job ${job.name} is not of this simulation`);
    return watched;
  }

  #result(): SimulationResult {
    const { name, seed, currency, startsAt, pools } = this.#scenario;
    const jobs = this.#all.flatMap((job) => this.#records.get(job)?.result(this.#ledger.of(job.name)) ?? []);
    return {
      format: 'stepwise.dev/simulation/v1',
      scenario: {
        name,
        policy: this.#policy.name,
        seed,
        currency,
        startsAt: new Date(startsAt).toISOString(),
        pools: pools.map(({ name: pool, gpu, gpusPerNode, minNodes, maxNodes, pricePerNodeHour, zone }) => {
          return { name: pool, gpu, gpusPerNode, minNodes, maxNodes, pricePerNodeHour, zone };
        }),
      },
      totals: totalsOf(jobs, this.#ledger.bill, this.#now),
      jobs,
      decisions: this.#decisions,
      series: this.#series.series,
    };
  }
}

/** The next multiple of the interval after the instant, however small a fraction is missing. */
function nextMultiple(now: number, interval: number): number {
  return (Math.floor(now / interval + 1e-9) + 1) * interval;
}

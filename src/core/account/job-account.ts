import type { InstantSeconds } from '../configuration.ts';
import { SECONDS_PER_HOUR } from '../model/cost-rate.ts';
import { meteredKilowattHours } from '../model/power.ts';
import type { PoolHour } from '../snapshot.ts';
import { type CounterMark, type EnergySource, energySince, type GpuReading, marksOf } from './gpu-energy.ts';

const JOULES_PER_KILOWATT_HOUR = 3.6e6;

/** What a job has used and cost so far. Energy is that at the meter of the building. */
export interface JobAccount {
  /** Currency of the pool: nodes, and electricity where their price does not include it. */
  readonly cost: number;
  readonly kilowattHours: number;
  /** Of these, those that no meter told. */
  readonly modelledKilowattHours: number;
  readonly kgCo2e: number;
  /** Those whose carbon intensity was not known; they are not in `kgCo2e`. */
  readonly kilowattHoursWithoutIntensity: number;
  /** GPU time of which no energy is known. */
  readonly unknownGpuSeconds: number;
  /** Time with workers on nodes. */
  readonly busySeconds: number;
  /** How most of the last energy is known; undefined before the first. */
  readonly energySource: EnergySource | undefined;
  readonly until: InstantSeconds | undefined;
  readonly marks: ReadonlyMap<string, CounterMark>;
}

export const NEW_ACCOUNT: JobAccount = {
  cost: 0,
  kilowattHours: 0,
  modelledKilowattHours: 0,
  kgCo2e: 0,
  kilowattHoursWithoutIntensity: 0,
  unknownGpuSeconds: 0,
  busySeconds: 0,
  energySource: undefined,
  until: undefined,
  marks: new Map(),
};

/** What one stretch of time is charged by. */
export interface Charge {
  /** Of nodes, in parts, as `shareNodes` has them; where GPUs are billed one by one those in use. */
  readonly nodes: number;
  readonly pricePerNodeHour: number;
  /** GPUs of workers on nodes. */
  readonly gpus: number;
  readonly readings: readonly GpuReading[];
  readonly meter: PoolMeter;
  /** The hour that it is; undefined where nothing is known of it. */
  readonly hour: PoolHour | undefined;
}

/** How the draw of a pool's machines is known. */
export interface PoolMeter {
  /** Of a GPU that trains, without its host; undefined where nobody said. */
  readonly gpuWatts: number | undefined;
  /** Of a node beside its GPUs. */
  readonly hostWatts: number;
  /** Power usage effectiveness of the building, 1 or more. */
  readonly powerUsageEffectiveness: number;
}

/** The account after the time since the last look; the first look only opens it. Unknown signals add nothing. */
export function charge(account: JobAccount, { nodes, gpus, ...by }: Charge, now: InstantSeconds): JobAccount {
  const { until } = account;
  const { meter, hour, readings } = by;
  if (until === undefined) return { ...account, until: now, marks: marksOf(readings, now) };
  if (now <= until) return account;
  const seconds = now - until;
  const hours = seconds / SECONDS_PER_HOUR;
  const modelWatts = meter.gpuWatts;
  const energy = energySince({ readings, gpus, marks: account.marks, since: until, now, modelWatts });
  const { Counter, Power, Model } = energy.joules;
  const hostJoules = nodes * meter.hostWatts * seconds;
  const metered = (joules: number) =>
    meteredKilowattHours(joules / JOULES_PER_KILOWATT_HOUR, 1, meter.powerUsageEffectiveness);
  const used = metered(Counter + Power + Model + hostJoules);
  const intensity = known(hour?.kgCo2ePerKwh);
  const rent = nodes * by.pricePerNodeHour * (known(hour?.rentFactor) ?? 1) * hours;
  return {
    cost: account.cost + rent + used * (known(hour?.moneyPerKwh) ?? 0),
    kilowattHours: account.kilowattHours + used,
    modelledKilowattHours: account.modelledKilowattHours + metered(Model + hostJoules),
    kgCo2e: account.kgCo2e + used * (intensity ?? 0),
    kilowattHoursWithoutIntensity: account.kilowattHoursWithoutIntensity + (intensity === undefined ? used : 0),
    unknownGpuSeconds: account.unknownGpuSeconds + energy.unknownGpuSeconds,
    busySeconds: account.busySeconds + (gpus > 0 || nodes > 0 ? seconds : 0),
    energySource: largest(energy.joules) ?? account.energySource,
    until: now,
    marks: energy.marks,
  };
}

function largest(joules: Readonly<Record<EnergySource, number>>): EnergySource | undefined {
  const sources = (Object.keys(joules) as EnergySource[]).filter((source) => joules[source] > 0);
  return sources.sort((one, other) => joules[other] - joules[one])[0];
}

function known(value: number | undefined): number | undefined {
  return value === undefined || !Number.isFinite(value) ? undefined : value;
}

/** What the rest of a run will take, at the mean draw and intensity so far; undefined before anything was used. */
export function predictEnergy(
  account: JobAccount,
  secondsToTarget: number,
): { readonly kilowattHours: number; readonly kgCo2e: number | undefined } | undefined {
  const { kilowattHours, busySeconds, kgCo2e, kilowattHoursWithoutIntensity } = account;
  if (!(busySeconds > 0 && kilowattHours > 0 && Number.isFinite(secondsToTarget))) return undefined;
  const ahead = (kilowattHours / busySeconds) * secondsToTarget;
  const told = kilowattHours - kilowattHoursWithoutIntensity;
  return { kilowattHours: ahead, kgCo2e: told > 0 ? (ahead * kgCo2e) / told : undefined };
}

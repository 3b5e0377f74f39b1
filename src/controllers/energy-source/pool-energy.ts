import type { GpuPoolReason } from '../../api/conditions.ts';
import type { GpuPool } from '../../api/gpu-pool.ts';
import type { InstantSeconds } from '../../core/configuration.ts';
import type { HourForecast } from '../../core/forecast/forecast.ts';
import type { SignalKind } from '../../core/forecast/signal-slot.ts';
import type { PoolHour, PoolSnapshot } from '../../core/snapshot.ts';
import type { PoolElectricity } from '../fleet/snapshot.ts';
import { type EnergyMemory, isStale, type KnownSignal, shiftingPays } from './energy-memory.ts';

/** What a pool's energy sources make of the hours to come, and what is wrong with them. */
export interface PoolEnergy extends Pick<PoolElectricity, 'hours' | 'carbonBasis' | 'kilowattsPerGpu' | 'hourNow'> {
  readonly reason: GpuPoolReason<'EnergyKnown'>;
  readonly message: string;
}

/** The same as the planner and the accounts need it. */
export function poolElectricity(pool: GpuPool, memory: EnergyMemory, now: InstantSeconds): PoolElectricity {
  const { reason: _reason, message: _message, ...known } = poolEnergy(pool, memory, now);
  const { energy } = pool.spec;
  if (energy === undefined) return known;
  const powerUsageEffectiveness = energy.powerUsageEffectivenessPercent / 100;
  // What a GPU draws is told with its share of the node.
  return { ...known, meter: { gpuWatts: energy.busyWattsPerGpu, hostWatts: 0, powerUsageEffectiveness } };
}

type Energy = NonNullable<GpuPool['spec']['energy']>;
type Problem = Pick<PoolEnergy, 'reason' | 'message'>;

/** A forecast whose error is many times its value says nothing, however many times that is. */
const RELATIVE_ERROR_MAX = 1000;

/**
 * A source that is missing, unfit or stale is left out: its hours are alike, so that no plan rests on it. So are those of
 * a source where moving work brings too little; they count with their mean.
 */
export function poolEnergy(pool: GpuPool, memory: EnergyMemory, now: InstantSeconds): PoolEnergy {
  const { energy } = pool.spec;
  const named = namedSources(energy);
  if (energy === undefined || named.length === 0) {
    return { reason: 'NotConfigured', message: 'spec.energy names no source: all hours are alike' };
  }
  const problems: Problem[] = [];
  const usable = new Map<SignalKind, Usable>();
  for (const { name, field, kind } of named) {
    const known = memory.get(name);
    const problem = problemOf({ name, field, kind }, known, pool, now);
    if (problem !== undefined) problems.push(problem);
    else if (known !== undefined) usable.set(kind, usableOf(known, now));
  }
  if (energy.billing === 'Metered' && energy.busyWattsPerGpu === undefined) {
    const message = 'spec.energy.billing is Metered: set busyWattsPerGpu, so that electricity can be counted';
    problems.push({ reason: 'PowerUnknown', message });
  }
  const kilowatts = kilowattsPerGpu(pool, energy);
  const basis = usable.get('CarbonIntensity')?.basis;
  return {
    ...(usable.size === 0 ? {} : { hours: hoursOf(energy, usable, plannedAt), ...hourNow(energy, usable, now) }),
    ...(basis === undefined ? {} : { carbonBasis: basis }),
    ...(kilowatts === undefined ? {} : { kilowattsPerGpu: kilowatts }),
    ...(problems[0] ?? {
      reason: 'EnergyKnown' as const,
      message: `known: ${named.map(({ name }) => name).join(', ')}`,
    }),
  };
}

interface NamedSource {
  readonly name: string;
  readonly field: string;
  readonly kind: SignalKind;
}

function namedSources(energy: Energy | undefined): readonly NamedSource[] {
  const all = [
    { name: energy?.priceSource, field: 'priceSource', kind: 'Price' },
    { name: energy?.carbonSource, field: 'carbonSource', kind: 'CarbonIntensity' },
    { name: energy?.renewableSource, field: 'renewableSource', kind: 'RenewableShare' },
  ] as const;
  return all.flatMap(({ name, ...rest }) => (name === undefined ? [] : [{ name, ...rest }]));
}

function problemOf(
  { name, field, kind }: NamedSource,
  known: KnownSignal | undefined,
  pool: GpuPool,
  now: InstantSeconds,
): Problem | undefined {
  const at = `EnergySource ${name} of spec.energy.${field}`;
  if (known === undefined)
    return { reason: 'SourceNotFound', message: `${at} does not exist, or was not looked at yet` };
  if (known.spec.signal !== kind) {
    return { reason: 'SignalMismatch', message: `${at} tells ${known.spec.signal}: name one that tells ${kind}` };
  }
  const { currency } = pool.spec.cost;
  if (kind === 'Price' && known.spec.currency !== currency) {
    const message = `${at} tells ${known.spec.currency}, the nodes are paid for in ${currency}: use one currency`;
    return { reason: 'CurrencyMismatch', message };
  }
  if (isStale(known, now) || known.forecast.hours.length === 0) {
    return { reason: 'SignalUnknown', message: `${at} is not known now: its hours count as alike` };
  }
  return undefined;
}

interface Usable {
  readonly hours: ReadonlyMap<InstantSeconds, HourForecast>;
  /** What every hour counts with where none is to be preferred. */
  readonly mean: number | undefined;
  readonly basis: PoolSnapshot['carbonBasis'];
}

function usableOf(known: KnownSignal, now: InstantSeconds): Usable {
  const hours = known.forecast.hours.filter(({ to }) => to > now);
  const mean = hours.reduce((sum, { value }) => sum + value, 0) / hours.length;
  return {
    hours: new Map(hours.map((hour) => [hour.from, hour])),
    mean: shiftingPays(known) ? undefined : mean,
    basis: known.spec.basis,
  };
}

/** One price of electricity where it is metered; where the rent includes it, it would be paid twice. */
function hoursOf(
  { billing }: Energy,
  usable: ReadonlyMap<SignalKind, Usable>,
  valueAt: (usable: Usable | undefined, from: InstantSeconds) => number | undefined,
): readonly PoolHour[] {
  const price = billing === 'Metered' ? usable.get('Price') : undefined;
  const carbon = usable.get('CarbonIntensity');
  const renewable = usable.get('RenewableShare');
  const starts = new Map([...usable.values()].flatMap(({ hours }) => [...hours].map(([from, { to }]) => [from, to])));
  return [...starts]
    .sort(([one], [other]) => one - other)
    .map(([from, to]): PoolHour => {
      const grams = valueAt(carbon, from);
      return {
        from,
        to,
        moneyPerKwh: billing === 'Metered' ? valueAt(price, from) : 0,
        marketPricePerKwh: valueAt(usable.get('Price'), from),
        kgCo2ePerKwh: grams === undefined ? undefined : grams / 1000,
        renewableShare: valueAt(renewable, from),
        rentFactor: undefined,
        relativeError: relativeErrorAt(price ?? carbon, from),
      };
    });
}

function plannedAt(usable: Usable | undefined, from: InstantSeconds): number | undefined {
  return usable?.mean ?? usable?.hours.get(from)?.value;
}

function toldOf(usable: Usable | undefined, from: InstantSeconds): number | undefined {
  return usable?.hours.get(from)?.value;
}

/** What was used is charged as it was, also where plans take all hours for alike. */
function hourNow(
  energy: Energy,
  usable: ReadonlyMap<SignalKind, Usable>,
  now: InstantSeconds,
): Pick<PoolEnergy, 'hourNow'> {
  const found = hoursOf(energy, usable, toldOf).find(({ from, to }) => from <= now && now < to);
  return found === undefined ? {} : { hourNow: found };
}

function relativeErrorAt(usable: Usable | undefined, from: InstantSeconds): number | undefined {
  const hour = usable?.hours.get(from);
  if (usable?.mean !== undefined || hour?.deviation === undefined) return undefined;
  if (hour.deviation === 0) return 0;
  return Math.min(RELATIVE_ERROR_MAX, hour.deviation / Math.abs(hour.value));
}

/** Nodes that stay anyway draw what they draw at rest whether or not somebody trains on them. */
function kilowattsPerGpu({ spec }: GpuPool, energy: Energy): number | undefined {
  const { busyWattsPerGpu, idleWattsPerGpu = 0, powerUsageEffectivenessPercent } = energy;
  if (busyWattsPerGpu === undefined) return undefined;
  const stays = spec.provider.type === 'None' || spec.limits.minNodes === spec.limits.maxNodes;
  const watts = stays ? busyWattsPerGpu - idleWattsPerGpu : busyWattsPerGpu;
  return (watts * powerUsageEffectivenessPercent) / 100 / 1000;
}

import { stringify } from 'yaml';
import { fromDecimal } from '../api/decimal.ts';
import type { GpuPool } from '../api/gpu-pool.ts';
import { fromInstant } from '../controllers/instants.ts';
import { runsOf } from '../controllers/training-profile/priors-for.ts';
import { type AdviceGiven, advise } from '../core/advise/advise.ts';
import { type AdvisedPool, type Capacity, SECONDS_PER_MONTH } from '../core/advise/capacity-cost.ts';
import { type Advice, rangeInWords } from '../core/advise/verdict.ts';
import type { Interval } from '../core/estimate/estimate.ts';
import { money } from '../core/explain/figures.ts';
import type { Cluster } from './cluster.ts';
import { type Documents, readDocuments } from './documents.ts';
import { EXIT, Problem } from './problem.ts';
import { table } from './table.ts';
import type { OutputFormat, Terminal } from './terminal.ts';

export interface AdviseCommandOptions {
  readonly files: readonly string[];
  readonly format: OutputFormat;
  readonly namespace: string | undefined;
  /** Of metered electricity, in the currency of the pools, as the user wrote it. */
  readonly pricePerKwh: string | undefined;
}

/** Tells what larger batches and other hardware would come to for the demand that was observed. */
export async function runAdvise(
  { files, format, namespace, pricePerKwh }: AdviseCommandOptions,
  terminal: Terminal,
  cluster: () => Cluster,
): Promise<void> {
  const price = pricePerKwh === undefined ? undefined : amountOf(pricePerKwh);
  const { pools, profiles } = await observedOf(readDocuments(files, terminal), namespace, cluster);
  const now = terminal.nowSeconds();
  const given = advise({
    now,
    pools: pools.map((pool) => advisedPool(pool, now, price)),
    families: profiles.map((profile) => ({ family: profile.metadata.name, runs: runsOf(profile) })),
  });
  terminal.write(render(given, format));
}

/** From the files alone where they hold both runs and pools; else the cluster fills in the rest. */
async function observedOf(
  read: Documents,
  namespace: string | undefined,
  cluster: () => Cluster,
): Promise<Pick<Documents, 'pools' | 'profiles'>> {
  if (read.pools.length > 0 && read.profiles.length > 0) return read;
  const opened = cluster();
  const found = await opened.surroundings(namespace ?? opened.namespace);
  const others = <T extends { metadata: { name: string } }>(mine: readonly T[], theirs: readonly T[]) => [
    ...mine,
    ...theirs.filter(({ metadata }) => !mine.some((each) => each.metadata.name === metadata.name)),
  ];
  return { pools: others(read.pools, found.pools), profiles: others(read.profiles, found.profiles) };
}

function amountOf(text: string): number {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (Number.isFinite(value) && value >= 0) return value;
  throw new Problem(EXIT.badInput, `--price-per-kwh is ${text}: give an amount of money, 0 or more, such as 0.21`);
}

function advisedPool({ metadata, spec }: GpuPool, now: number, pricePerKwh: number | undefined): AdvisedPool {
  const { cost } = spec;
  return {
    name: metadata.name,
    gpuType: spec.accelerator.type,
    gpusPerNode: spec.gpusPerNode,
    maxNodes: spec.limits.maxNodes,
    pricePerNodeHour: fromDecimal(cost.pricePerNodeHour),
    currency: cost.currency,
    capacity: capacityOf(cost, now),
    electricity: electricityOf(spec.energy, pricePerKwh),
  };
}

function capacityOf(cost: GpuPool['spec']['cost'], now: number): Capacity {
  const { capacityType, interruptionsPerNodeHour, reservation, ownership } = cost;
  if (reservation !== undefined) {
    const monthsLeft = ((fromInstant(reservation.endsAt) ?? Number.NaN) - now) / SECONDS_PER_MONTH;
    const pricePerNodeHour = fromDecimal(reservation.pricePerNodeHour);
    return { type: 'Reserved', nodes: reservation.nodes, pricePerNodeHour, monthsLeft };
  }
  if (ownership !== undefined) {
    return {
      type: 'Owned',
      purchasePricePerNode: fromDecimal(ownership.purchasePricePerNode),
      amortisationMonths: ownership.amortisationMonths,
      maintenancePerNodeMonth: fromDecimal(ownership.maintenancePerNodeMonth),
    };
  }
  const interruptions = interruptionsPerNodeHour === undefined ? undefined : fromDecimal(interruptionsPerNodeHour);
  return capacityType === 'Spot' ? { type: 'Spot', interruptionsPerNodeHour: interruptions } : { type: 'OnDemand' };
}

function electricityOf(energy: GpuPool['spec']['energy'], pricePerKwh: number | undefined): AdvisedPool['electricity'] {
  if (energy?.billing !== 'Metered') return 'Included';
  const { busyWattsPerGpu, idleWattsPerGpu = 0, powerUsageEffectivenessPercent } = energy;
  if (pricePerKwh === undefined || busyWattsPerGpu === undefined) return undefined;
  const atTheMeter = (watts: number) => (watts / 1000) * (powerUsageEffectivenessPercent / 100);
  return {
    pricePerKwh,
    busyKilowattsPerGpu: atTheMeter(busyWattsPerGpu),
    idleKilowattsPerGpu: atTheMeter(idleWattsPerGpu),
  };
}

function render(given: AdviceGiven, format: OutputFormat): string {
  if (format === 'json') return `${JSON.stringify(asData(given), undefined, 2)}\n`;
  if (format === 'yaml') return stringify(asData(given));
  return `${asText(given, format === 'wide')}\n`;
}

/** For programs. What never comes is left out. */
function asData({ advice, withheld }: AdviceGiven) {
  return {
    kind: 'Advice',
    advice: advice.map(({ breakEven, ...rest }) => ({
      ...rest,
      ...(breakEven === undefined
        ? {}
        : { breakEven: { months: finite(breakEven.months), gpuHours: finite(breakEven.gpuHours) } }),
    })),
    withheld,
  };
}

function finite(interval: Interval): Partial<Interval> {
  return Object.fromEntries(Object.entries(interval).filter(([, value]) => Number.isFinite(value)));
}

function asText({ advice, withheld }: AdviceGiven, wide: boolean): string {
  const parts: string[] = [];
  if (advice.length === 0) parts.push('No advice: what was observed does not tell enough.');
  if (wide && advice.length > 0) parts.push(table(HEADS, advice.map(rowOf)));
  if (advice.length > 0) {
    parts.push(
      table(
        ['VERDICT', 'WHY'],
        advice.map(({ verdict, sentence }) => [verdict, sentence]),
      ),
    );
  }
  if (withheld.length > 0) {
    const rows = withheld.map(({ subject, about, reason }) => [subject, about, reason]);
    parts.push(`Nothing can be said of:\n${table(['SUBJECT', 'WHAT', 'WHY'], rows)}`);
  }
  if (withheld.some(({ reason }) => reason.includes('electricity is metered'))) {
    parts.push('--price-per-kwh gives the price of metered electricity.');
  }
  return parts.join('\n\n');
}

const HEADS = ['FROM', 'TO', 'VERDICT', 'SAVED-PER-MONTH', 'UPFRONT', 'MONTHS', 'GPU-HOURS'];

function rowOf({ from, to, verdict, savingPerMonth, currency, upfront, breakEven }: Advice): readonly string[] {
  const tell = (value: number) => `${value < 0 ? '−' : ''}${money(Math.abs(value), currency)}`;
  const { value, low, high } = savingPerMonth;
  return [
    from,
    to,
    verdict,
    `${tell(value)} (${tell(low)} to ${tell(high)})`,
    upfront === 0 ? 'none' : money(upfront, currency),
    breakEven === undefined ? '-' : rangeInWords(breakEven.months),
    breakEven === undefined ? '-' : rangeInWords(breakEven.gpuHours),
  ];
}

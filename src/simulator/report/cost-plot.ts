import { area, line } from 'd3-shape';
import { money } from '../../core/explain/figures.ts';
import type { SimulationResult } from '../result.ts';
import { figureOf, section } from './figure.ts';
import { html, type Markup } from './markup.ts';
import { elapsed, greatest, isKnown } from './quantities.ts';
import { TIME_LEFT, TIME_RIGHT, type TimeAxis, timeGrid, timeLabel } from './time-axis.ts';
import { valueAxis, valueGrid } from './value-axis.ts';

const SUM = { top: 12, bottom: 190 };
const RATE = { top: 214, bottom: 290 };
const HEIGHT = 330;
/** Wide enough that one bought node hour does not look like a spike, narrow enough to see the night. */
const RATE_BINS = 96;

interface Sample {
  readonly at: number;
  readonly cost: number;
}

/** What has been spent by each instant, and how fast it was being spent. */
export function costPlot({ series, scenario, totals }: SimulationResult, time: TimeAxis): Markup {
  const samples = series.cost.filter(({ at, cost }) => isKnown(at) && isKnown(cost));
  const last = samples.at(-1);
  if (last === undefined) return section('cost', 'Cost over time', 'No cost was sampled.', []);
  const rates = spendingRates(samples, time.end);
  const sum = valueAxis({
    ...SUM,
    label: `spent, ${scenario.currency}`,
    max: greatest(samples.map(({ cost }) => cost)),
  });
  const rate = valueAxis({
    ...RATE,
    label: `${scenario.currency} per hour`,
    max: greatest(rates.map((bin) => bin.rate)),
    ticks: 3,
  });
  const lead = `${money(totals.cost, scenario.currency)} in ${elapsed(totals.simulatedSeconds)}. Above, what had been spent by then; below, the rate at which it was being spent.`;
  const width = (TIME_RIGHT - TIME_LEFT) / RATE_BINS;
  const bars = rates.map(({ from, rate: perHour }) => {
    const y = rate.y(perHour);
    return `M${time.x(from).toFixed(1)} ${RATE.bottom}V${y.toFixed(1)}h${(width - 1).toFixed(1)}V${RATE.bottom}z`;
  });
  const figure = figureOf({
    id: 'cost-plot',
    title: 'Cost over time',
    description: lead,
    height: HEIGHT,
    body: [
      timeGrid(time, SUM.top, SUM.bottom, 'none'),
      timeGrid(time, RATE.top, RATE.bottom, 'below'),
      valueGrid(sum, TIME_LEFT, TIME_RIGHT),
      valueGrid(rate, TIME_LEFT, TIME_RIGHT),
      sumCurve(samples, time, sum.y),
      html`<path class="bar" d="${bars.join('')}"/>`,
      html`<text class="strong" x="${time.x(last.at) + 6}" y="${sum.y(last.cost) + 4}">${money(last.cost, scenario.currency)}</text>`,
      timeLabel(time, HEIGHT - 6),
    ],
  });
  return section('cost', 'Cost over time', lead, [figure]);
}

function sumCurve(samples: readonly Sample[], time: TimeAxis, y: (cost: number) => number): Markup {
  const x = ({ at }: Sample) => time.x(at);
  const top = ({ cost }: Sample) => y(cost);
  const under = area<Sample>().x(x).y0(y(0)).y1(top).digits(1)([...samples]);
  const curve = line<Sample>().x(x).y(top).digits(1)([...samples]);
  return html`<path class="area" d="${under ?? ''}"/><path class="curve" d="${curve ?? ''}"/>`;
}

/** Currency per hour in equal spans of the run, from the spent sums interpolated at the ends of each span. */
export function spendingRates(samples: readonly Sample[], end: number): readonly { from: number; rate: number }[] {
  const span = end / RATE_BINS;
  return Array.from({ length: RATE_BINS }, (_, bin) => {
    const spent = spentBy(samples, (bin + 1) * span) - spentBy(samples, bin * span);
    return { from: bin * span, rate: Math.max(0, spent) / (span / 3600) };
  });
}

function spentBy(samples: readonly Sample[], at: number): number {
  const next = samples.findIndex((sample) => sample.at >= at);
  const after = samples[next];
  if (after === undefined) return samples.at(-1)?.cost ?? 0;
  const before = samples[next - 1] ?? { at: 0, cost: 0 };
  const share = after.at > before.at ? (at - before.at) / (after.at - before.at) : 1;
  return before.cost + share * (after.cost - before.cost);
}

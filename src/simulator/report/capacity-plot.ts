import { scaleLinear } from 'd3-scale';
import { area, curveStepAfter, line } from 'd3-shape';
import type { ScenarioFacts, SimulationResult } from '../result.ts';
import { figureOf, key, section } from './figure.ts';
import { html, type Markup, NOTHING } from './markup.ts';
import { counted, greatest, isKnown, quantity } from './quantities.ts';
import { changesOnly } from './step-series.ts';
import { TIME_LEFT, TIME_RIGHT, type TimeAxis, timeGrid, timeLabel } from './time-axis.ts';
import { valueAxis, valueGrid } from './value-axis.ts';

const PANEL = { height: 130, gap: 26, top: 20 };
/** A limit this many times above the peak would press the curves to the floor: it is told in words instead. */
const LIMIT_IN_SIGHT = 4;

type Pool = ScenarioFacts['pools'][number];
type Sample = SimulationResult['series']['pools'][number];

/** For each pool: GPUs that jobs held, GPUs of the nodes that were up, and the most that there could be. */
export function capacityPlot({ scenario, series }: SimulationResult, time: TimeAxis): Markup {
  const heading = 'Nodes and GPUs in use';
  if (scenario.pools.length === 0) return section('capacity', heading, 'The scenario has no pool.', []);
  if (series.pools.length === 0) return section('capacity', heading, 'No pool was sampled.', []);
  const bottom = PANEL.top + scenario.pools.length * (PANEL.height + PANEL.gap) - PANEL.gap;
  const lead = 'The gap between what jobs held and what was up is what stood idle and was paid for.';
  const panels = scenario.pools.map((pool, index) => {
    const top = PANEL.top + index * (PANEL.height + PANEL.gap);
    const samples = series.pools.filter((sample) => sample.pool === pool.name);
    return poolPanel(pool, samples, time, { top, bottom: top + PANEL.height });
  });
  const figure = figureOf({
    id: 'capacity-plot',
    title: 'GPUs in use and up, by pool',
    description: lead,
    height: bottom + 38,
    body: [...panels, timeGrid(time, bottom, bottom, 'below'), timeLabel(time, bottom + 33)],
  });
  return section('capacity', heading, lead, [key(CAPACITY_KEY), figure]);
}

const CAPACITY_KEY = [
  {
    swatch: html`<rect class="area" x="1" y="3" width="24" height="11"/><path class="curve" d="M1 3H25"/>`,
    text: 'GPUs held by jobs',
  },
  { swatch: html`<path class="up" d="M1 7H25"/>`, text: 'GPUs of nodes that are up' },
  { swatch: html`<path class="limit" d="M1 7H25"/>`, text: 'the most the pool may have' },
];

function poolPanel(
  pool: Pool,
  samples: readonly Sample[],
  time: TimeAxis,
  span: { top: number; bottom: number },
): Markup {
  const up = samples
    .map(({ at, nodes }) => ({ at, value: nodes * pool.gpusPerNode }))
    .filter(({ value }) => isKnown(value));
  const held = samples.map(({ at, gpusInUse }) => ({ at, value: gpusInUse })).filter(({ value }) => isKnown(value));
  const peak = greatest(
    [...up, ...held].map(({ value }) => value),
    1,
  );
  const limit = pool.maxNodes * pool.gpusPerNode;
  const inSight = limit <= LIMIT_IN_SIGHT * peak;
  const axis = valueAxis({ ...span, label: 'GPUs', max: inSight ? Math.max(limit, peak) : peak, ticks: 4 });
  const facts = `${pool.name}: ${pool.gpusPerNode} × ${pool.gpu} a node, ${pool.minNodes} to ${quantity(pool.maxNodes)} nodes${
    inSight ? '' : ` (limit of ${quantity(limit)} GPUs not shown)`
  }`;
  return html`${timeGrid(time, span.top, span.bottom, 'none')}${valueGrid(axis, TIME_LEFT, TIME_RIGHT)}
<text class="panel-title" x="${TIME_LEFT}" y="${span.top - 6}">${facts}</text>${nodesAxis(pool, axis)}
${curves(held, up, time, axis.y)}${inSight ? html`<path class="limit" d="M${TIME_LEFT} ${axis.y(limit)}H${TIME_RIGHT}"/>` : NOTHING}
`;
}

/** The same height in nodes, at the right. */
function nodesAxis(pool: Pool, axis: ReturnType<typeof valueAxis>): Markup {
  const most = (axis.ticks.at(-1)?.at ?? 0) / pool.gpusPerNode;
  const ticks = scaleLinear([0, most], [0, 1])
    .ticks(3)
    .filter((nodes) => nodes > 0 && Number.isInteger(nodes));
  return html`<g class="axis">${ticks.map(
    (nodes) =>
      html`<text x="${TIME_RIGHT + 8}" y="${axis.y(nodes * pool.gpusPerNode) + 4}">${counted(nodes, 'node')}</text>`,
  )}</g>`;
}

interface Level {
  readonly at: number;
  readonly value: number;
}

function curves(held: readonly Level[], up: readonly Level[], time: TimeAxis, y: (value: number) => number): Markup {
  const x = ({ at }: Level) => time.x(at);
  const top = ({ value }: Level) => y(value);
  const curve = line<Level>().x(x).y(top).curve(curveStepAfter).digits(1);
  const under = area<Level>().x(x).y0(y(0)).y1(top).curve(curveStepAfter).digits(1);
  const heldChanges = [...changesOnly(held)];
  return html`<path class="area" d="${under(heldChanges) ?? ''}"/><path class="curve" d="${curve(heldChanges) ?? ''}"/><path class="up" d="${
    curve([...changesOnly(up)]) ?? ''
  }"/>`;
}

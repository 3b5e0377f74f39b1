import { figure, money, percent } from '../../core/explain/figures.ts';
import type { ScenarioFacts, SimulationResult } from '../result.ts';
import { html, type Markup } from './markup.ts';
import { elapsed, isKnown, quantity, UNKNOWN } from './quantities.ts';
import { calendarText } from './time-axis.ts';

interface Tile {
  readonly name: string;
  readonly value: string;
  readonly remark: string;
}

/** What was simulated, and what came of it, as figures. */
export function header(result: SimulationResult): Markup {
  const { scenario } = result;
  return html`<header><p class="kicker">Simulation report</p><h1>${scenario.name}</h1>
<p class="facts">Policy <b>${scenario.policy}</b>, seed <b>${String(scenario.seed)}</b>, from <b>${calendarText(scenario.startsAt)}</b>, simulated <b>${elapsed(result.totals.simulatedSeconds)}</b></p>
<dl class="tiles">${tiles(result).map(({ name, value, remark }) => html`<div class="tile"><dt>${name}</dt><dd>${value}</dd><dd class="remark">${remark}</dd></div>`)}</dl>
${scenario.pools.length === 0 ? html`` : poolsTable(scenario)}</header>
`;
}

function tiles(result: SimulationResult): readonly Tile[] {
  const { totals, scenario } = result;
  const perJob =
    totals.finished > 0
      ? `${money(totals.cost / totals.finished, scenario.currency)} a finished job`
      : 'no job finished';
  const billed = totals.nodeBilledGpuHours / totals.gpuHours;
  return [
    { name: 'Cost', value: money(totals.cost, scenario.currency), remark: perJob },
    {
      name: 'GPU-hours',
      value: quantity(totals.gpuHours),
      remark: `${quantity(totals.nodeBilledGpuHours)} billed by node${isKnown(billed) ? `, ${billed.toFixed(2)} ×` : ''}`,
    },
    {
      name: 'Jobs finished',
      value: `${figure(totals.finished)} of ${figure(totals.jobs)}`,
      remark: `${figure(totals.refused)} refused`,
    },
    {
      name: 'Late',
      value: figure(totals.late),
      remark: `95th percentile: ${percent(totals.latenessShare95)} of the time given`,
    },
    {
      name: 'Mean completion',
      value: totals.finished > 0 ? elapsed(totals.meanCompletionSeconds) : UNKNOWN,
      remark: 'from submission to finish',
    },
    {
      name: 'Energy',
      value: quantity(totals.energyKwh, 'kWh'),
      remark:
        totals.co2eKg === undefined ? 'CO₂e unknown: no carbon intensity' : `${quantity(totals.co2eKg, 'kg')} CO₂e`,
    },
    {
      name: 'Rescales a job',
      value: perJobFigure(totals.rescales, totals.jobs),
      remark: `${perJobFigure(totals.batchChanges, totals.jobs)} batch changes a job`,
    },
  ];
}

function perJobFigure(count: number, jobs: number): string {
  return jobs > 0 ? (count / jobs).toFixed(1) : UNKNOWN;
}

function poolsTable({ pools, currency }: ScenarioFacts): Markup {
  return html`<div class="wide"><table class="pools"><thead><tr><th scope="col">Pool</th><th scope="col">GPUs of a node</th><th scope="col">Nodes</th><th scope="col">${currency} a node hour</th><th scope="col">Zone</th></tr></thead><tbody>${pools.map(
    (pool) =>
      html`<tr><th scope="row">${pool.name}</th><td>${`${pool.gpusPerNode} × ${pool.gpu}`}</td><td>${`${quantity(pool.minNodes)} to ${quantity(pool.maxNodes)}`}</td><td>${String(Number(pool.pricePerNodeHour.toPrecision(4)))}</td><td>${pool.zone ?? UNKNOWN}</td></tr>`,
  )}</tbody></table></div>`;
}

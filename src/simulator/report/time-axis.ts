import { type ScaleLinear, scaleLinear } from 'd3-scale';
import type { SimulationResult } from '../result.ts';
import { html, type Markup } from './markup.ts';
import { greatest, isKnown } from './quantities.ts';

/** Every plot is drawn this wide and scales with the page. Plots over time share margins, so that instants align. */
export const PLOT_WIDTH = 1200;
export const TIME_LEFT = 176;
export const TIME_RIGHT = 1104;

const MINUTE = 60;
const HOUR = 3600;
const DAY = 86_400;
/** Steps that people count time in. */
const STEPS: readonly number[] = [1, 5, 15, 30, MINUTE, 5 * MINUTE, 10 * MINUTE, 15 * MINUTE, 30 * MINUTE].concat(
  [1, 2, 3, 6, 12].map((hours) => hours * HOUR),
  [1, 2, 5, 10, 20, 50, 100, 200, 500].map((days) => days * DAY),
);
const TICKS_AT_MOST = 13;

export interface TimeAxis {
  /** Seconds since the start of the simulation → pixels. */
  readonly x: ScaleLinear<number, number>;
  readonly end: number;
  readonly ticks: readonly { readonly at: number; readonly text: string }[];
  readonly label: string;
}

/** From the start to the last thing that happened; deadlines after that do not squeeze what did happen. */
export function timeAxis(result: SimulationResult): TimeAxis {
  const end = lastInstant(result);
  const step = STEPS.find((seconds) => end / seconds <= TICKS_AT_MOST) ?? Math.ceil(end / TICKS_AT_MOST / DAY) * DAY;
  const unit =
    step < MINUTE ? { name: 's', seconds: 1 } : step < HOUR ? { name: 'min', seconds: MINUTE } : hoursOrDays(step);
  const ticks: { at: number; text: string }[] = [];
  for (let at = 0; at <= end; at += step) ticks.push({ at, text: `${at / unit.seconds} ${unit.name}` });
  return {
    x: scaleLinear([0, end], [TIME_LEFT, TIME_RIGHT]),
    end,
    ticks,
    label: `time since the start, ${calendarText(result.scenario.startsAt)}`,
  };
}

/** Lines through the plot at each tick, and the tick's text under them or over them. */
export function timeGrid(axis: TimeAxis, top: number, bottom: number, texts: 'above' | 'below' | 'none'): Markup {
  const y = texts === 'above' ? top - 6 : bottom + 14;
  return html`<g class="axis">${axis.ticks.map(({ at, text }) => {
    const x = axis.x(at);
    const label = texts === 'none' ? html`` : html`<text x="${x}" y="${y}" text-anchor="middle">${text}</text>`;
    return html`<path class="grid" d="M${x} ${top}V${bottom}"/>${label}`;
  })}</g>`;
}

export function timeLabel(axis: TimeAxis, y: number): Markup {
  return html`<text class="axis-label" x="${(TIME_LEFT + TIME_RIGHT) / 2}" y="${y}" text-anchor="middle">${axis.label}</text>`;
}

/** An ISO instant as people read it; what is no instant is shown as it was given. */
export function calendarText(iso: string): string {
  const instant = new Date(iso);
  if (Number.isNaN(instant.getTime())) return iso;
  return `${instant.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

function hoursOrDays(step: number): { name: string; seconds: number } {
  return step < DAY ? { name: 'h', seconds: HOUR } : { name: 'd', seconds: DAY };
}

function lastInstant({ totals, jobs, series }: SimulationResult): number {
  const instants = [
    totals.simulatedSeconds,
    ...jobs.flatMap(({ finishedAt, allocation }) => [finishedAt, allocation.at(-1)?.to]),
    series.cost.at(-1)?.at,
  ];
  return greatest(instants.filter(isKnown), 1);
}

import { scaleLog } from 'd3-scale';
import { figure, percent } from '../../core/explain/figures.ts';
import type { DecisionRecord, SimulationResult } from '../result.ts';
import { figureOf, section } from './figure.ts';
import { roundTicks } from './log-ticks.ts';
import { coordinate, html, type Markup } from './markup.ts';
import { ascending, counted, greatest, isKnown, quantile } from './quantities.ts';
import { TIME_LEFT, TIME_RIGHT, type TimeAxis, timeGrid, timeLabel } from './time-axis.ts';
import { valueAxis, valueGrid } from './value-axis.ts';

const PANEL = { top: 22, bottom: 150 };
const GAP_PANEL = { top: 184, bottom: 270 };
/** Clocks resolve no less; a decision of 0 ms would have no place on a logarithmic axis. */
const LEAST_MILLISECONDS = 0.01;
/** Dots closer than this many pixels lie on each other; one of them is drawn. */
const DOT_SPACING = 1.5;

/** How long each decision took, and how far its plan was proven to be from the lower bound. */
export function decisionsPlot({ decisions, totals }: SimulationResult, time: TimeAxis): Markup {
  const heading = 'Decisions';
  const timed = decisions.filter(({ at, milliseconds }) => isKnown(at) && isKnown(milliseconds));
  if (timed.length === 0) return section('decisions', heading, 'No decision was recorded.', []);
  const milliseconds = ascending(timed.map((decision) => decision.milliseconds));
  const gaps = timed.flatMap(({ at, gap }) => (isKnown(gap) ? [{ at, value: gap }] : []));
  const lead = [
    timeSentence(timed, milliseconds),
    gapSentence(gaps),
    `${counted(totals.rescales, 'rescale')} and ${counted(totals.batchChanges, 'batch change')} came of them.`,
  ].join(' ');
  const bottom = gaps.length === 0 ? PANEL.bottom : GAP_PANEL.bottom;
  const figureMarkup = figureOf({
    id: 'decisions-plot',
    title: 'Milliseconds and gap of each decision',
    description: lead,
    height: bottom + 38,
    body: [
      timePanel(timed, milliseconds, time),
      ...(gaps.length === 0 ? [] : [gapPanel(gaps, time)]),
      timeGrid(time, bottom, bottom, 'below'),
      timeLabel(time, bottom + 33),
    ],
  });
  return section('decisions', heading, lead, [figureMarkup]);
}

function timeSentence(timed: readonly DecisionRecord[], milliseconds: readonly number[]): string {
  const [half, most] = [quantile(milliseconds, 0.5) ?? 0, quantile(milliseconds, 0.99) ?? 0];
  const jobs = greatest(timed.map((decision) => decision.jobs));
  return `${counted(timed.length, 'decision')} about up to ${counted(jobs, 'job')} took ${figure(half)} ms in the median and ${figure(most)} ms at the 99th percentile, on the machine that simulated.`;
}

function gapSentence(gaps: readonly { value: number }[]): string {
  const sorted = ascending(gaps.map(({ value }) => value));
  const worst = sorted.at(-1);
  if (worst === undefined) return 'This policy proves no lower bound.';
  return `Plans were proven to be within ${percent(quantile(sorted, 0.5) ?? 0)} of the lower bound in the median, ${percent(worst)} at worst.`;
}

function timePanel(timed: readonly DecisionRecord[], milliseconds: readonly number[], time: TimeAxis): Markup {
  const least = Math.max(LEAST_MILLISECONDS, milliseconds[0] ?? 0);
  const scale = scaleLog(
    [least / 1.2, Math.max(least * 10, (milliseconds.at(-1) ?? 0) * 1.2)],
    [PANEL.bottom, PANEL.top],
  ).clamp(true);
  const y = (value: number) => scale(Math.max(least, value));
  const ticks = roundTicks(scale).map((at) => ({ at, text: figure(at) }));
  const lines = [0.5, 0.99].map((share) => {
    const height = y(quantile(milliseconds, share) ?? least);
    return html`<path class="limit" d="M${TIME_LEFT} ${height}H${TIME_RIGHT}"/><text class="axis-label" x="${TIME_RIGHT + 8}" y="${height + 4}">${share === 0.5 ? 'median' : '99th percentile'}</text>`;
  });
  return html`<text class="panel-title" x="${TIME_LEFT}" y="14">Time of a decision (logarithmic)</text>${timeGrid(time, PANEL.top, PANEL.bottom, 'none')}${valueGrid({ y, ticks, label: 'milliseconds' }, TIME_LEFT, TIME_RIGHT)}
<path class="dots" d="${dots(timed.map(({ at, milliseconds: value }) => ({ x: time.x(at), y: y(value) })))}"/>${lines}
`;
}

function gapPanel(gaps: readonly { at: number; value: number }[], time: TimeAxis): Markup {
  const axis = valueAxis({
    ...GAP_PANEL,
    label: 'gap, %',
    max:
      100 *
      greatest(
        gaps.map(({ value }) => value),
        0.001,
      ),
    ticks: 3,
  });
  return html`<text class="panel-title" x="${TIME_LEFT}" y="${GAP_PANEL.top - 8}">Proven distance of the plan to the lower bound</text>${timeGrid(time, GAP_PANEL.top, GAP_PANEL.bottom, 'none')}${valueGrid(axis, TIME_LEFT, TIME_RIGHT)}
<path class="dots" d="${dots(gaps.map(({ at, value }) => ({ x: time.x(at), y: axis.y(100 * value) })))}"/>
`;
}

/** One path with a round cap for each dot. */
function dots(places: readonly { x: number; y: number }[]): string {
  const drawn = new Map<string, string>();
  for (const { x, y } of places) {
    const cell = `${Math.round(x / DOT_SPACING)} ${Math.round(y / DOT_SPACING)}`;
    if (!drawn.has(cell)) drawn.set(cell, `M${coordinate(x)} ${coordinate(y)}h0`);
  }
  return [...drawn.values()].join('');
}

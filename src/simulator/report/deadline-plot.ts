import { percent } from '../../core/explain/figures.ts';
import type { JobResult, SimulationResult } from '../result.ts';
import { figureOf, section } from './figure.ts';
import { coordinate, html, type Markup } from './markup.ts';
import { ascending, counted, elapsed, isKnown, quantile } from './quantities.ts';
import { TIME_LEFT, TIME_RIGHT } from './time-axis.ts';
import { valueAxis, valueGrid } from './value-axis.ts';

const BOX = { top: 22, bottom: 190 };
const HEIGHT = 236;
const BIN = 0.05;
/** Jobs that took longer than this share of their time stand together in the last bin. */
const LAST = 1.5;
const BINS = Math.round(LAST / BIN) + 1;
/** Rounding of instants must not move a job that finished at its deadline into the late bin. */
const ROUNDING = 1e-9;

/** How much of the time to its deadline each job took. */
export function deadlinePlot({ jobs, totals }: SimulationResult): Markup {
  const heading = 'Completion against deadline';
  const shares = jobs.flatMap(shareOfGivenTime);
  if (shares.length === 0) return section('deadlines', heading, withoutDeadlines(jobs), []);
  const late = shares.filter((share) => share > 1 + ROUNDING).length;
  const without = jobs.length - shares.length;
  const lead = `Of ${counted(shares.length, 'finished job')} with a deadline ${late} took longer than given; the median took ${percent(
    quantile(ascending(shares), 0.5) ?? 0,
  )} of its time. The 95th percentile of lateness is ${percent(totals.latenessShare95)} of the time given.${
    without === 0
      ? ''
      : ` ${counted(without, 'job')} without a deadline or a finish ${without === 1 ? 'is' : 'are'} not shown.`
  }`;
  return section('deadlines', heading, lead, [histogram(shares, lead)]);
}

function histogram(shares: readonly number[], description: string): Markup {
  const counts = Array.from({ length: BINS }, () => 0);
  for (const share of shares) {
    const bin = share <= 1 + ROUNDING ? Math.min(share, 1 - ROUNDING) / BIN : share / BIN;
    const index = Math.max(0, Math.min(BINS - 1, Math.floor(bin)));
    counts[index] = (counts[index] ?? 0) + 1;
  }
  const axis = valueAxis({ ...BOX, label: 'jobs', max: Math.max(...counts), ticks: 4 });
  const width = (TIME_RIGHT - TIME_LEFT) / BINS;
  const x = (share: number) => TIME_LEFT + (share / BIN) * width;
  const ticks = [0, 0.25, 0.5, 0.75, 1, 1.25, 1.5];
  return figureOf({
    id: 'deadline-plot',
    title: 'Share of the time to the deadline that jobs took',
    description,
    height: HEIGHT,
    body: [
      valueGrid({ ...axis, ticks: axis.ticks.filter(({ at }) => Number.isInteger(at)) }, TIME_LEFT, TIME_RIGHT),
      ...counts.map((count, index) => bar(count, index, axis.y, { left: TIME_LEFT + index * width, width })),
      html`<path class="deadline" d="M${x(1)} ${BOX.top - 8}V${BOX.bottom}"/><text class="strong" x="${x(1) + 6}" y="${BOX.top - 4}">deadline</text>`,
      html`<g class="axis">${ticks.map((tick) => html`<text x="${x(tick)}" y="${BOX.bottom + 16}" text-anchor="middle">${percent(tick)}</text>`)}</g>`,
      html`<text class="axis-label" x="${(TIME_LEFT + TIME_RIGHT) / 2}" y="${HEIGHT - 8}" text-anchor="middle">(finish − submission) ÷ (deadline − submission); the last bar is everything above 150%</text>`,
    ],
  });
}

/** Late bars are hatched as well as red, and all bars bear their count. */
function bar(
  count: number,
  index: number,
  y: (count: number) => number,
  { left, width }: { left: number; width: number },
): Markup {
  if (count === 0) return html``;
  const late = index * BIN >= 1 - ROUNDING;
  const height = BOX.bottom - y(count);
  const data = `M${coordinate(left + 1)} ${BOX.bottom}v${coordinate(-height)}h${coordinate(width - 2)}v${coordinate(height)}z`;
  return html`<path class="${late ? 'bar-late' : 'bar'}" d="${data}"/><text class="count" x="${left + width / 2}" y="${y(count) - 4}">${String(count)}</text>`;
}

function shareOfGivenTime({ submittedAt, finishedAt, deadline, refused }: JobResult): readonly number[] {
  if (refused || !isKnown(finishedAt) || !isKnown(deadline) || deadline <= submittedAt) return [];
  return [(finishedAt - submittedAt) / (deadline - submittedAt)];
}

function withoutDeadlines(jobs: readonly JobResult[]): string {
  const times = ascending(jobs.flatMap((job) => (isKnown(job.finishedAt) ? [job.finishedAt - job.submittedAt] : [])));
  if (times.length === 0) return 'No job has finished.';
  const at = (share: number) => elapsed(quantile(times, share));
  return `No finished job had a deadline. From submission to finish they took ${at(0.5)} in the median, ${at(0.1)} to ${at(0.9)} for the middle four fifths.`;
}

import { money, percent } from '../../core/explain/figures.ts';
import type { JobResult } from '../result.ts';
import { type DrawnSpan, drawnSpans } from './gantt-spans.ts';
import { barThickness, gpuLevel } from './gpu-levels.ts';
import { jobOutcome } from './job-outcome.ts';
import { coordinate, html, type Markup, NOTHING } from './markup.ts';
import { counted, elapsed, isKnown, quantity } from './quantities.ts';
import { PLOT_WIDTH, TIME_LEFT, TIME_RIGHT, type TimeAxis } from './time-axis.ts';

export interface RowPlace {
  readonly top: number;
  readonly height: number;
}

const NAME_LENGTH = 26;
/** Pixels that a number in a bar needs for each digit, and around it. */
const DIGIT_WIDTH = 6.5;

/** One job: its name, what it held and when, its deadline, and how it ended. */
export function ganttRow(job: JobResult, place: RowPlace, time: TimeAxis, currency: string): Markup {
  const spans = drawnSpans(job.allocation);
  const outcome = jobOutcome(job, time.end);
  const middle = place.top + place.height / 2;
  return html`<g class="job${outcome.late ? ' is-late' : ''}"><title>${rowTitle(job, time.end, currency)}</title>
<rect class="row" x="0" y="${place.top}" width="${PLOT_WIDTH}" height="${place.height}"/>
<text class="name" x="${TIME_LEFT - 8}" y="${middle + 3.5}" text-anchor="end">${shortened(job.name)}</text>
${bars(spans, place, time)}${numbers(spans, place, time)}${lateness(job, place, time)}${deadline(job, place, time)}${end(job, place, time)}
<text class="${outcome.late ? 'outcome late' : 'outcome'}" x="${TIME_RIGHT + 8}" y="${middle + 3.5}">${outcome.remark}</text></g>
`;
}

/** One path for each way a span can look. */
function bars(spans: readonly DrawnSpan[], place: RowPlace, time: TimeAxis): readonly Markup[] {
  const paths = new Map<string, string>();
  for (const span of spans) {
    const { look, thickness } = appearance(span, place);
    const x = time.x(span.from);
    const width = Math.max(0.6, time.x(span.to) - x);
    const top = place.top + (place.height - thickness) / 2;
    const piece = `M${coordinate(x)} ${coordinate(top)}h${coordinate(width)}v${coordinate(thickness)}h${coordinate(-width)}z`;
    paths.set(look, (paths.get(look) ?? '') + piece);
  }
  return [...paths].map(([look, data]) => html`<path class="${look}" d="${data}"/>`);
}

function appearance({ state, gpus }: DrawnSpan, { height }: RowPlace): { look: string; thickness: number } {
  if (state === 'Running')
    return { look: `gpus g${gpuLevel(gpus)}`, thickness: barThickness(gpuLevel(gpus), height - 2) };
  if (state === 'Restarting') return { look: 'restarting', thickness: (height - 2) * 0.8 };
  if (state === 'Paused') return { look: 'paused', thickness: (height - 2) * 0.8 };
  return { look: 'waiting', thickness: Math.max(2, height * 0.2) };
}

/** How many GPUs, in figures, where there is room. */
function numbers(spans: readonly DrawnSpan[], { top, height }: RowPlace, time: TimeAxis): readonly Markup[] {
  return spans.flatMap(({ from, to, state, gpus }) => {
    const level = gpuLevel(gpus);
    const room = time.x(to) - time.x(from);
    if (state !== 'Running' || barThickness(level, height - 2) < 6.5 || room < 6 + DIGIT_WIDTH * String(gpus).length)
      return [];
    return [
      html`<text class="count on-g${level}" x="${(time.x(from) + time.x(to)) / 2}" y="${top + height / 2 + 3}">${String(gpus)}</text>`,
    ];
  });
}

/** From the deadline to the finish, or to the end of the simulation where there was none. */
function lateness(job: JobResult, { top, height }: RowPlace, time: TimeAxis): Markup {
  if (!isKnown(job.deadline) || job.refused) return NOTHING;
  const finish = job.finishedAt ?? time.end;
  if (finish <= job.deadline) return NOTHING;
  return html`<path class="late-line" d="M${time.x(Math.max(0, job.deadline))} ${top + height - 1}H${time.x(finish)}"/>`;
}

/** A tick with a head; an arrow at the edge where the deadline is beyond the plot. */
function deadline(job: JobResult, { top, height }: RowPlace, time: TimeAxis): Markup {
  if (!isKnown(job.deadline)) return NOTHING;
  if (job.deadline > time.end) {
    return html`<path class="deadline-head" d="M${TIME_RIGHT - 1} ${top + height / 2 - 3.5}l5 3.5l-5 3.5z"/>`;
  }
  const x = time.x(Math.max(0, job.deadline));
  return html`<path class="deadline" d="M${x} ${top + 0.5}V${top + height - 0.5}"/><path class="deadline-head" d="M${x - 3} ${top}h6l-3 4z"/>`;
}

function end(job: JobResult, { top, height }: RowPlace, time: TimeAxis): Markup {
  if (!isKnown(job.finishedAt)) return NOTHING;
  return html`<circle class="finish" cx="${time.x(job.finishedAt)}" cy="${top + height / 2}" r="2.4"/>`;
}

function rowTitle(job: JobResult, simulatedSeconds: number, currency: string): string {
  const lines = [
    `${job.name} (${job.application})`,
    `submitted ${elapsed(job.submittedAt)}, started ${elapsed(job.startedAt)}, finished ${elapsed(job.finishedAt)}, deadline ${elapsed(job.deadline)}`,
    `${quantity(job.gpuSeconds / 3600, 'GPU-hours')}, ${money(job.cost, currency)}, ${counted(job.rescales, 'rescale')}, ${counted(job.batchChanges, 'batch change')}`,
  ];
  const { lateShare } = jobOutcome(job, simulatedSeconds);
  return [
    ...lines,
    ...(lateShare === undefined ? [] : [`late by ${percent(lateShare)} of the time it was given`]),
  ].join('; ');
}

function shortened(name: string): string {
  const signs = [...name];
  return signs.length <= NAME_LENGTH ? name : `${signs.slice(0, NAME_LENGTH - 1).join('')}…`;
}

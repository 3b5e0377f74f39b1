import type { SimulationResult } from '../result.ts';
import { figureOf, key, section } from './figure.ts';
import { ganttRow } from './gantt-row.ts';
import { gpuKey } from './gpu-levels.ts';
import { jobOutcome } from './job-outcome.ts';
import { html, type Markup } from './markup.ts';
import { counted, greatest } from './quantities.ts';
import { type TimeAxis, timeGrid, timeLabel } from './time-axis.ts';

const TOP = 24;
const ROW = { most: 20, least: 13 };
/** Height that a few rows may take before rows become as low as can still be read. */
const COMFORTABLE_HEIGHT = 1000;

/** One row a job, in the order in which they were submitted. `below` shares its time axis: the ribbons of price and carbon. */
export function ganttPlot({ jobs, scenario }: SimulationResult, time: TimeAxis, below: Markup): Markup {
  const heading = 'Allocations';
  if (jobs.length === 0) return section('allocations', heading, 'No job was submitted.', [below]);
  const height = Math.min(ROW.most, Math.max(ROW.least, COMFORTABLE_HEIGHT / jobs.length));
  const bottom = TOP + jobs.length * height;
  const late = jobs.filter((job) => jobOutcome(job, time.end).late).length;
  const mostGpus = greatest(
    jobs.flatMap(({ allocation }) => allocation.map(({ gpus }) => gpus)),
    1,
  );
  const lead = `One row for each of ${counted(jobs.length, 'job')}, by submission: the more GPUs, the stronger and thicker the bar. ${
    late === 0 ? 'None was late.' : `Late: ${counted(late, 'job')}, underlined from the deadline to the finish.`
  }`;
  const ordered = jobs.toSorted((a, b) => a.submittedAt - b.submittedAt);
  const figure = figureOf({
    id: 'gantt-plot',
    title: 'Allocation of GPUs to jobs over time',
    description: `${lead} The same figures are in the table of jobs.`,
    height: bottom + 40,
    body: [
      timeGrid(time, TOP, bottom, 'above'),
      ...ordered.map((job, index) => ganttRow(job, { top: TOP + index * height, height }, time, scenario.currency)),
      timeGrid(time, bottom, bottom + 4, 'below'),
      timeLabel(time, bottom + 34),
    ],
  });
  return section('allocations', heading, lead, [
    key([...gpuKey(mostGpus), ...stateKey()]),
    html`<div class="gantt">${figure}</div>`,
    below,
  ]);
}

function stateKey() {
  return [
    { swatch: html`<rect class="restarting" x="1" y="2" width="24" height="10"/>`, text: 'restarting' },
    { swatch: html`<rect class="paused" x="1" y="2" width="24" height="10"/>`, text: 'paused' },
    { swatch: html`<rect class="waiting" x="1" y="6" width="24" height="2.5"/>`, text: 'waiting' },
    {
      swatch: html`<path class="deadline" d="M13 0V14"/><path class="deadline-head" d="M10 0h6l-3 4z"/>`,
      text: 'deadline',
    },
    { swatch: html`<path class="late-line" d="M1 8H25"/>`, text: 'late' },
    { swatch: html`<circle class="finish" cx="13" cy="7" r="2.4"/>`, text: 'finished' },
  ];
}

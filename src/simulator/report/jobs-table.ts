import { figure, percent } from '../../core/explain/figures.ts';
import type { JobResult, SimulationResult } from '../result.ts';
import { section } from './figure.ts';
import { jobOutcome } from './job-outcome.ts';
import { html, type Markup } from './markup.ts';
import { counted, elapsed, isKnown, quantity } from './quantities.ts';
import type { TimeAxis } from './time-axis.ts';

/** Every job with its figures: what the plots show, for those who want to read it. */
export function jobsTable(result: SimulationResult, time: TimeAxis): Markup {
  const { jobs, scenario } = result;
  if (jobs.length === 0) return section('jobs', 'Jobs', 'No job was submitted.', []);
  const lead = `${counted(jobs.length, 'job')} by submission; instants count from the start of the simulation. Billed GPU-hours are a job's share of the nodes that were paid for.`;
  const rows = jobs.toSorted((a, b) => a.submittedAt - b.submittedAt).map((job) => row(job, time));
  return section('jobs', 'Jobs', lead, [
    html`<div class="wide" tabindex="0" role="region" aria-label="Table of jobs"><table><thead><tr>
<th scope="col">Job</th><th scope="col" class="word">Application</th><th scope="col">Submitted</th><th scope="col">Started</th><th scope="col">Finished</th><th scope="col">Deadline</th><th scope="col" class="word">Outcome</th>
<th scope="col">GPU-hours</th><th scope="col">Billed GPU-hours</th><th scope="col">Cost, ${scenario.currency}</th><th scope="col">Energy, kWh</th><th scope="col">CO₂e, kg</th>
<th scope="col">Rescales</th><th scope="col">Batch changes</th><th scope="col">Interruptions</th></tr></thead><tbody>
${rows}</tbody></table></div>`,
  ]);
}

function row(job: JobResult, time: TimeAxis): Markup {
  const instants = [job.submittedAt, job.startedAt, job.finishedAt, job.deadline].map(elapsed);
  const figures = [job.gpuSeconds / 3600, job.nodeBilledGpuSeconds / 3600, job.cost, job.energyKwh, job.co2eKg].map(
    (value) => quantity(value),
  );
  const counts = [job.rescales, job.batchChanges, job.interruptions].map(figure);
  const cells = (texts: readonly string[]) => texts.map((text) => html`<td>${text}</td>`);
  return html`<tr><th scope="row">${job.name}</th><td class="word">${job.application}</td>${cells(instants)}${outcomeCell(job, time.end)}${cells([...figures, ...counts])}</tr>
`;
}

function outcomeCell(job: JobResult, end: number): Markup {
  const { late, lateShare, remark } = jobOutcome(job, end);
  if (late)
    return html`<td class="word late">${lateShare === undefined ? remark : `${remark} (${percent(lateShare)})`}</td>`;
  if (remark !== '') return html`<td class="word">${remark}</td>`;
  if (!isKnown(job.deadline) || !isKnown(job.finishedAt)) return html`<td class="word">finished</td>`;
  return html`<td class="word">${`${elapsed(job.deadline - job.finishedAt)} early`}</td>`;
}

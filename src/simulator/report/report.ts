import type { SimulationResult } from '../result.ts';
import { capacityPlot } from './capacity-plot.ts';
import { costPlot } from './cost-plot.ts';
import { deadlinePlot } from './deadline-plot.ts';
import { decisionsPlot } from './decisions-plot.ts';
import { energyRibbons } from './energy-ribbons.ts';
import { ganttPlot } from './gantt-plot.ts';
import { header } from './header.ts';
import { jobsTable } from './jobs-table.ts';
import { html } from './markup.ts';
import { predictionPlot } from './prediction-plot.ts';
import { HATCHES, STYLE_SHEET } from './style-sheet.ts';
import { timeAxis } from './time-axis.ts';

/**
 * One HTML page that needs nothing else: no network (its own policy forbids it), no script, light and dark by what the
 * reader's system prefers.
 */
export function renderReport(result: SimulationResult): string {
  const time = timeAxis(result);
  const { text } = html`<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="color-scheme" content="light dark">
<title>${`${result.scenario.name}, ${result.scenario.policy}`}</title>
${STYLE_SHEET}</head><body>${HATCHES}<main>
${header(result)}
${costPlot(result, time)}
${ganttPlot(result, time, energyRibbons(result, time))}
${capacityPlot(result, time)}
${deadlinePlot(result)}
${predictionPlot(result)}
${decisionsPlot(result, time)}
${jobsTable(result, time)}
</main></body></html>
`;
  return text;
}

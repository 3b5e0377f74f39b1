import { scaleLog } from 'd3-scale';
import { figure } from '../../core/explain/figures.ts';
import { roundTicks } from './log-ticks.ts';
import { coordinate, html, type Markup } from './markup.ts';
import { type Comparison, halfWay } from './prediction-errors.ts';
import { greatest, least } from './quantities.ts';

const BOX = { left: 96, right: 560, top: 26, bottom: 282 };

/** One mark a job, on logarithmic axes: what was predicted half-way, with its interval, over what came. */
export function scatterPanel(compared: readonly Comparison[], label: string, unit: number): Markup {
  const jobs = halfWay(compared).map((comparison) => inUnit(comparison, unit));
  const values = jobs.flatMap(({ actual, predicted }) => [actual, predicted.value]).filter((value) => value > 0);
  if (values.length === 0) return html``;
  const domain = [least(values) / 1.3, greatest(values) * 1.3];
  const x = scaleLog(domain, [BOX.left, BOX.right]).clamp(true);
  const y = scaleLog(domain, [BOX.bottom, BOX.top]).clamp(true);
  const ticks = roundTicks(x);
  const whiskers = jobs.map(
    ({ actual, predicted }) =>
      `M${coordinate(x(actual))} ${coordinate(y(positive(predicted.low, domain)))}V${coordinate(y(positive(predicted.high, domain)))}`,
  );
  const misses = jobs
    .filter(({ inside }) => !inside)
    .map(
      ({ actual, predicted }) =>
        `M${coordinate(x(actual) - 3)} ${coordinate(y(positive(predicted.value, domain)) - 3)}l6 6m0 -6l-6 6`,
    );
  return html`<text class="panel-title" x="${BOX.left}" y="16">${`Predicted half-way, over actual: ${label}`}</text>
<g class="axis">${ticks.map(
    (tick) =>
      html`<path class="grid" d="M${BOX.left} ${y(tick)}H${BOX.right}M${x(tick)} ${BOX.top}V${BOX.bottom}"/><text x="${
        BOX.left - 8
      }" y="${y(tick) + 4}" text-anchor="end">${figure(tick)}</text><text x="${x(tick)}" y="${BOX.bottom + 15}" text-anchor="middle">${figure(tick)}</text>`,
  )}</g>
<path class="ideal" d="M${BOX.left} ${BOX.bottom}L${BOX.right} ${BOX.top}"/><path class="whisker" d="${whiskers.join('')}"/>
${jobs.filter(({ inside }) => inside).map(({ job, actual, predicted }) => html`<circle class="hit" cx="${x(actual)}" cy="${y(positive(predicted.value, domain))}" r="3"><title>${job}</title></circle>`)}<path class="miss" d="${misses.join('')}"/>
<text class="axis-label" x="${(BOX.left + BOX.right) / 2}" y="${BOX.bottom + 36}" text-anchor="middle">${`actual ${label}`}</text>
<text class="axis-label" text-anchor="middle" transform="translate(${BOX.left - 58} ${(BOX.top + BOX.bottom) / 2}) rotate(-90)">${`predicted ${label}`}</text>
`;
}

function inUnit(comparison: Comparison, unit: number): Comparison {
  const { value, low, high } = comparison.predicted;
  return {
    ...comparison,
    actual: comparison.actual / unit,
    predicted: { value: value / unit, low: low / unit, high: high / unit },
  };
}

/** A logarithmic axis has no zero: what is not positive lies at its lower edge. */
function positive(value: number, domain: readonly number[]): number {
  return value > 0 ? value : (domain[0] ?? Number.MIN_VALUE);
}

import { scaleLinear } from 'd3-scale';
import { area, line } from 'd3-shape';
import { percent, signedPercent } from '../../core/explain/figures.ts';
import { html, type Markup } from './markup.ts';
import { type Comparison, type ErrorBand, errorBands, type Predicted, relativeError } from './prediction-errors.ts';
import { ascending, quantile } from './quantities.ts';

const BOX = { left: 724, right: 1164, top: 26, bottom: 282 };
/** The axis shows at least this error either way, so that tiny errors look tiny. */
const LEAST_RANGE = 0.1;
/** A first guess that is wrong tenfold would flatten the rest; it lies at the edge. */
const MOST_RANGE = 2;

/** How far predictions were off while jobs ran: one thin line a job, the median and the middle four fifths. */
export function errorPanel(compared: readonly Comparison[], subject: Predicted): Markup {
  const bands = errorBands(compared);
  if (bands.length === 0) return html``;
  const errors = ascending(compared.map((comparison) => Math.abs(relativeError(comparison))));
  const range = Math.min(MOST_RANGE, Math.max(LEAST_RANGE, quantile(errors, 0.98) ?? 0));
  const x = scaleLinear([0, 1], [BOX.left, BOX.right]);
  const y = scaleLinear([-range, range], [BOX.bottom, BOX.top]).nice(5).clamp(true);
  const ticks = y.ticks(5);
  return html`<text class="panel-title" x="${BOX.left}" y="16">${`Error of the predicted ${subject} while a job ran`}</text>
<g class="axis">${ticks.map((tick) => html`<path class="grid" d="M${BOX.left} ${y(tick)}H${BOX.right}"/><text x="${BOX.left - 8}" y="${y(tick) + 4}" text-anchor="end">${tick === 0 ? '0%' : signedPercent(tick)}</text>`)}${[
    0, 0.25, 0.5, 0.75, 1,
  ].map(
    (tick) =>
      html`<path class="grid" d="M${x(tick)} ${BOX.top}V${BOX.bottom}"/><text x="${x(tick)}" y="${BOX.bottom + 15}" text-anchor="middle">${percent(tick)}</text>`,
  )}</g>
<path class="thread" d="${threads(compared, x, y)}"/>${middle(bands, x, y)}<path class="ideal" d="M${BOX.left} ${y(0)}H${BOX.right}"/>
<text class="axis-label" x="${(BOX.left + BOX.right) / 2}" y="${BOX.bottom + 36}" text-anchor="middle">share of the run that was over</text>
<text class="axis-label" text-anchor="middle" transform="translate(${BOX.left - 58} ${(BOX.top + BOX.bottom) / 2}) rotate(-90)">(predicted − actual) ÷ actual</text>
`;
}

type Place = (value: number) => number;

function threads(compared: readonly Comparison[], x: Place, y: Place): string {
  const byJob = Map.groupBy(compared, ({ job }) => job);
  const thread = line<Comparison>()
    .x(({ progress }) => x(progress))
    .y((comparison) => y(relativeError(comparison)))
    .digits(1);
  return [...byJob.values()].map((ofJob) => thread(ofJob.toSorted((a, b) => a.progress - b.progress)) ?? '').join('');
}

function middle(bands: readonly ErrorBand[], x: Place, y: Place): Markup {
  const at = ({ progress }: ErrorBand) => x(progress);
  const band = area<ErrorBand>()
    .x(at)
    .y0(({ low }) => y(low))
    .y1(({ high }) => y(high))
    .digits(1);
  const median = line<ErrorBand>()
    .x(at)
    .y((entry) => y(entry.median))
    .digits(1);
  return html`<path class="band" d="${band([...bands]) ?? ''}"/><path class="curve" d="${median([...bands]) ?? ''}"/>`;
}

import type { SimulationResult } from '../result.ts';
import { figureOf } from './figure.ts';
import { coordinate, html, type Markup, NOTHING } from './markup.ts';
import { greatest, isKnown, least, quantity } from './quantities.ts';
import { PLOT_WIDTH, TIME_LEFT, TIME_RIGHT, type TimeAxis, timeGrid } from './time-axis.ts';

const RIBBON = { height: 34, gap: 10, top: 8 };
const SHADES = 7;
/** A ribbon's columns are at least this wide, whatever the number of samples. */
const COLUMN_WIDTH = 1.5;

interface Ribbon {
  readonly zone: string;
  readonly kind: 'price' | 'carbon';
  readonly unit: string;
  readonly samples: readonly { readonly at: number; readonly value: number | undefined }[];
}

/** Price and carbon intensity of each zone, as strips under the Gantt: the higher and stronger, the dearer or dirtier. */
export function energyRibbons({ series, scenario }: SimulationResult, time: TimeAxis): Markup {
  const ribbons = ribbonsOf(series.energy, scenario.currency);
  if (ribbons.length === 0) return NOTHING;
  const bottom = RIBBON.top + ribbons.length * (RIBBON.height + RIBBON.gap) - RIBBON.gap;
  const plot = figureOf({
    id: 'energy-plot',
    title: 'Electricity price and carbon intensity by zone',
    description: ribbons.map((ribbon) => `${name(ribbon)}: ${extent(ribbon)}`).join('; '),
    height: bottom + 20,
    body: [
      timeGrid(time, RIBBON.top, bottom, 'below'),
      ...ribbons.map((ribbon, index) => drawn(ribbon, RIBBON.top + index * (RIBBON.height + RIBBON.gap), time)),
    ],
  });
  return html`<p class="lead">On the same time axis, price and carbon intensity by zone: the higher and stronger the strip, the dearer or dirtier the electricity.</p>${plot}`;
}

function ribbonsOf(samples: SimulationResult['series']['energy'], currency: string): readonly Ribbon[] {
  const zones = [...new Set(samples.map(({ zone }) => zone))].toSorted();
  return zones
    .flatMap((zone): Ribbon[] => {
      const ofZone = samples.filter((sample) => sample.zone === zone);
      const price = ofZone.map(({ at, pricePerMwh }) => ({ at, value: pricePerMwh }));
      const carbon = ofZone.map(({ at, carbonGramsPerKwh }) => ({ at, value: carbonGramsPerKwh }));
      return [
        { zone, kind: 'price', unit: `${currency}/MWh`, samples: price },
        { zone, kind: 'carbon', unit: 'gCO₂e/kWh', samples: carbon },
      ];
    })
    .filter((ribbon) => ribbon.samples.some(({ value }) => isKnown(value)));
}

function drawn(ribbon: Ribbon, top: number, time: TimeAxis): Markup {
  const values = ribbon.samples.map(({ value }) => value).filter(isKnown);
  const low = least(values, 0);
  const high = greatest(values);
  const paths = new Map<number, string>();
  for (const { from, to, value } of columns(ribbon, time)) {
    const share = high > low ? (value - low) / (high - low) : 0;
    const height = Math.max(2, share * RIBBON.height);
    const shade = Math.min(SHADES - 1, Math.floor(share * SHADES));
    const piece = `M${coordinate(from)} ${coordinate(top + RIBBON.height)}v${coordinate(-height)}H${coordinate(to)}v${coordinate(height)}z`;
    paths.set(shade, (paths.get(shade) ?? '') + piece);
  }
  const label = { x: TIME_LEFT - 8, y: top + RIBBON.height / 2 };
  return html`<g><title>${`${name(ribbon)}: ${extent(ribbon)}`}</title><rect class="row" x="0" y="${top}" width="${PLOT_WIDTH}" height="${RIBBON.height}"/>
<text class="name" x="${label.x}" y="${label.y - 3}" text-anchor="end">${name(ribbon)}</text><text class="axis-label" x="${label.x}" y="${label.y + 11}" text-anchor="end">${ribbon.unit}</text>
${[...paths].map(([shade, data]) => html`<path class="${ribbon.kind} s${shade}" d="${data}"/>`)}<path class="grid" d="M${TIME_LEFT} ${top + RIBBON.height}H${TIME_RIGHT}"/>
<text class="axis-label" x="${TIME_RIGHT + 8}" y="${top + 10}">${`max ${quantity(high)}`}</text><text class="axis-label" x="${TIME_RIGHT + 8}" y="${top + RIBBON.height - 2}">${`min ${quantity(least(values))}`}</text></g>
`;
}

/** Each known value from its instant to the next sample's; samples that fall into one column are left to its first. */
function columns({ samples }: Ribbon, time: TimeAxis): readonly { from: number; to: number; value: number }[] {
  const starts = samples.filter(({ at }) => at <= time.end).toSorted((a, b) => a.at - b.at);
  const kept: { x: number; value: number | undefined }[] = [];
  for (const { at, value } of starts) {
    const x = time.x(Math.max(0, at));
    const last = kept.at(-1);
    if (last === undefined || x - last.x >= COLUMN_WIDTH) kept.push({ x, value });
  }
  return kept.flatMap(({ x, value }, index) =>
    isKnown(value) ? [{ from: x, to: kept[index + 1]?.x ?? TIME_RIGHT, value }] : [],
  );
}

function name({ zone, kind }: Ribbon): string {
  return `${zone} ${kind}`;
}

function extent({ samples, unit }: Ribbon): string {
  const values = samples.map(({ value }) => value).filter(isKnown);
  return `${quantity(least(values))} to ${quantity(greatest(values))} ${unit}`;
}

import { scaleLinear } from 'd3-scale';
import { html, type Markup } from './markup.ts';

export interface ValueAxis {
  readonly y: (value: number) => number;
  readonly ticks: readonly { readonly at: number; readonly text: string }[];
  /** With its unit. */
  readonly label: string;
}

interface Range {
  readonly top: number;
  readonly bottom: number;
  readonly label: string;
  readonly min?: number;
  readonly max: number;
  readonly ticks?: number;
}

/** A linear axis that ends at round values. */
export function valueAxis({ top, bottom, label, min = 0, max, ticks = 5 }: Range): ValueAxis {
  const scale = scaleLinear([min, max > min ? max : min + 1], [bottom, top]).nice(ticks);
  const text = scale.tickFormat(ticks);
  return { y: scale, ticks: scale.ticks(ticks).map((at) => ({ at, text: text(at) })), label };
}

export function valueGrid(axis: ValueAxis, left: number, right: number): Markup {
  const ys = axis.ticks.map(({ at }) => axis.y(at));
  const middle = (Math.min(...ys) + Math.max(...ys)) / 2;
  return html`<g class="axis">${axis.ticks.map(
    ({ text }, index) =>
      html`<path class="grid" d="M${left} ${ys[index] ?? 0}H${right}"/><text x="${left - 8}" y="${
        (ys[index] ?? 0) + 4
      }" text-anchor="end">${text}</text>`,
  )}</g><text class="axis-label" text-anchor="middle" transform="translate(${left - 56} ${middle}) rotate(-90)">${axis.label}</text>`;
}

import type { ScaleLogarithmic } from 'd3-scale';

const TICKS_AT_MOST = 8;

/** 1, 2 and 5 of each decade that a logarithmic axis shows, or decades alone where these would be too many. */
export function roundTicks(scale: ScaleLogarithmic<number, number>): readonly number[] {
  const ticks = scale.ticks();
  const leading = (tick: number) => Math.round(tick / 10 ** Math.floor(Math.log10(tick) + 1e-9));
  const some = ticks.filter((tick) => [1, 2, 5].includes(leading(tick)));
  return some.length <= TICKS_AT_MOST ? some : ticks.filter((tick) => leading(tick) === 1);
}

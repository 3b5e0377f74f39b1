import { html } from './markup.ts';

/** GPUs are told apart by doublings, as they are usually given. The last level is open. */
const LEVELS = [1, 2, 4, 8, 16, 32, 64] as const;

/** 0 for one GPU, 1 for two, 2 up to four, and so on. */
export function gpuLevel(gpus: number): number {
  const level = LEVELS.findIndex((limit) => gpus <= limit);
  return level < 0 ? LEVELS.length - 1 : level;
}

/** A bar is thicker the more GPUs it stands for, so that colour is not the only sign. */
export function barThickness(level: number, height: number): number {
  return height * (0.64 + (0.36 * level) / (LEVELS.length - 1));
}

/** Swatches for the levels up to the most GPUs that any job held. */
export function gpuKey(mostGpus: number) {
  return LEVELS.slice(0, gpuLevel(mostGpus) + 1).map((limit, level) => {
    const thickness = barThickness(level, 12);
    const from = level === 0 ? 1 : (LEVELS[level - 1] ?? 0) + 1;
    const last = level === LEVELS.length - 1;
    return {
      swatch: html`<rect class="gpus g${level}" x="1" y="${7 - thickness / 2}" width="24" height="${thickness}"/>`,
      text: last
        ? `${from} GPUs or more`
        : from === limit
          ? from === 1
            ? '1 GPU'
            : `${limit} GPUs`
          : `${from}–${limit} GPUs`,
    };
  });
}

/** What a type of GPU can do at most, as its maker states it: dense, without structured sparsity. */
export interface GpuPeak {
  /** Words that a type must hold to be this one, such as `a100` and `80gb`. */
  readonly words: readonly string[];
  /** 10¹² floating-point operations a second, by precision of the multiplication. */
  readonly teraflops: { readonly fp32: number; readonly tf32: number; readonly fp16: number };
  /** What the driver reports of one GPU. */
  readonly memoryMiB: number;
  readonly memoryGigabytesPerSecond: number;
  /** One direction of the links to the other GPUs of a node. */
  readonly linkGigabytesPerSecond: number;
}

export type Precision = 'FP32' | 'TF32' | 'BF16' | 'FP16';

/** PCI Express 3 and 4 with 16 lanes, one direction. */
const PCIE_3 = 16;
const PCIE_4 = 32;

/**
 * Sources, row by row: docs/design/0010-prediction.md. A type without units for a precision computes in the next wider
 * one that it has. Rows with more words come first, so that the closest one is found.
 */
export const GPU_PEAKS: readonly GpuPeak[] = [
  gpu(['h100', 'pcie'], [51, 378, 756], 81_559, 2000, 64),
  gpu(['a100', '80gb'], [19.5, 156, 312], 81_920, 2039, 300),
  gpu(['v100', '32gb'], [15.7, 15.7, 125], 32_768, 900, 150),
  gpu(['rtx', '6000'], [16.3, 16.3, 130.5], 24_576, 672, 50),
  gpu(['rtx6000'], [16.3, 16.3, 130.5], 24_576, 672, 50),
  gpu(['p100'], [9.3, 9.3, 18.7], 16_276, 732, PCIE_3),
  gpu(['t4'], [8.1, 8.1, 65], 15_360, 320, PCIE_3),
  gpu(['v100'], [15.7, 15.7, 125], 16_384, 900, 150),
  gpu(['a10g'], [35, 35, 70], 23_028, 600, PCIE_4),
  gpu(['a10'], [31.2, 62.5, 125], 23_028, 600, PCIE_4),
  gpu(['a40'], [37.4, 74.8, 149.7], 46_068, 696, PCIE_4),
  gpu(['a100'], [19.5, 156, 312], 40_960, 1555, 300),
  gpu(['l4'], [30.3, 60, 121], 23_034, 300, PCIE_4),
  gpu(['l40s'], [91.6, 183, 362], 46_068, 864, PCIE_4),
  gpu(['h100'], [67, 495, 989], 81_559, 3350, 450),
  gpu(['h200'], [67, 495, 989], 143_771, 4800, 450),
  gpu(['b200'], [75, 1100, 2250], 183_359, 8000, 900),
  gpu(['mi250x'], [47.9, 95.7, 383], 131_072, 3277, 50),
  gpu(['mi300x'], [163.4, 653.7, 1307.4], 196_592, 5300, 64),
];

function gpu(
  words: readonly string[],
  [fp32, tf32, fp16]: readonly [number, number, number],
  memoryMiB: number,
  memoryGigabytesPerSecond: number,
  linkGigabytesPerSecond: number,
): GpuPeak {
  return { words, teraflops: { fp32, tf32, fp16 }, memoryMiB, memoryGigabytesPerSecond, linkGigabytesPerSecond };
}

/** The row of a type such as `nvidia-a100-80gb` or `Tesla-T4`; undefined for one that no row is about. */
export function peakOf(acceleratorType: string): GpuPeak | undefined {
  const words = new Set(acceleratorType.toLowerCase().split(/[^a-z0-9]+/));
  return GPU_PEAKS.find((row) => row.words.every((word) => words.has(word)));
}

/** Floating-point operations a second. FP16 and BF16 run equally fast where both are there. */
export function flopsPerSecond({ teraflops }: GpuPeak, precision: Precision): number {
  const { fp32, tf32, fp16 } = teraflops;
  return 1e12 * (precision === 'FP32' ? fp32 : precision === 'TF32' ? tf32 : fp16);
}

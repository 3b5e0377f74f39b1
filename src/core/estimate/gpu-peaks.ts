/** What a type of GPU can do at most, as its maker states it: dense, without structured sparsity. */
export interface GpuPeak {
  /** Words that a type must hold to be this one, such as `a100` and `80gb`. */
  readonly words: readonly string[];
  /** 10¹² floating-point operations a second, by precision of the multiplication. */
  readonly teraflops: Readonly<Record<'fp32' | 'tf32' | 'bf16' | 'fp16', number>>;
  /** What the driver reports of one GPU. */
  readonly memoryMiB: number;
  readonly memoryGigabytesPerSecond: number;
  /** One direction of the links to the other GPUs of a node. */
  readonly linkGigabytesPerSecond: number;
}

export type Precision = 'FP32' | 'TF32' | 'BF16' | 'FP16';

/** PCI Express 3, 4 and 5 with 16 lanes, one direction. */
const PCIE_3 = 16;
const PCIE_4 = 32;
const PCIE_5 = 64;

/** What a device plugin adds to the type of a card that it hands out in slices, or to several at a time. */
const PARTS_OF_A_CARD = ['mig', 'shared'];

/**
 * Sources, row by row: docs/design/0010-prediction.md. A type without units for a precision computes in the next wider
 * one that it has. Rows with more words come first, so that the closest one is found.
 */
export const GPU_PEAKS: readonly GpuPeak[] = [
  gpu(['h100', 'pcie'], [51, 378, 756], 81_559, 2000, PCIE_5),
  gpu(['a100', '80gb'], [19.5, 156, 312], 81_920, 2039, 300),
  beforeAmpere(['v100', '32gb'], [15.7, 125], 32_768, 900, 150),
  gpu(['rtx', '6000', 'ada'], [91.1, 182.1, 364.2], 49_140, 960, PCIE_4),
  gpu(['rtx', 'pro', '6000'], [125, 251.9, 503.8], 97_887, 1792, PCIE_5),
  beforeAmpere(['rtx', '6000'], [16.3, 130.5], 24_576, 672, 50),
  beforeAmpere(['rtx6000'], [16.3, 130.5], 24_576, 672, 50),
  beforeAmpere(['p100'], [9.3, 18.7], 16_276, 732, PCIE_3),
  beforeAmpere(['t4'], [8.1, 65], 15_360, 320, PCIE_3),
  beforeAmpere(['v100'], [15.7, 125], 16_384, 900, 150),
  gpu(['a10g'], [35, 35, 70], 23_028, 600, PCIE_4),
  gpu(['a10'], [31.2, 62.5, 125], 23_028, 600, PCIE_4),
  gpu(['a40'], [37.4, 74.8, 149.7], 46_068, 696, PCIE_4),
  gpu(['a100'], [19.5, 156, 312], 40_960, 1555, 300),
  gpu(['l4'], [30.3, 60, 121], 23_034, 300, PCIE_4),
  gpu(['l40s'], [91.6, 183, 362], 46_068, 864, PCIE_4),
  gpu(['h100'], [67, 495, 989], 81_559, 3350, 450),
  gpu(['h200'], [67, 495, 989], 143_771, 4800, 450),
  gpu(['b200'], [75, 1100, 2250], 183_359, 8000, 900),
  gpu(['mi250x'], [23.9, 47.9, 191.5], 65_536, 1638, 50),
  gpu(['mi300x'], [163.4, 653.7, 1307.4], 196_592, 5300, PCIE_5),
];

function gpu(
  words: readonly string[],
  [fp32, tf32, fp16]: readonly [number, number, number],
  memoryMiB: number,
  memoryGigabytesPerSecond: number,
  linkGigabytesPerSecond: number,
): GpuPeak {
  const teraflops = { fp32, tf32, bf16: fp16, fp16 };
  return { words, teraflops, memoryMiB, memoryGigabytesPerSecond, linkGigabytesPerSecond };
}

/** NVIDIA's units for TF32 and BF16 came with Ampere: earlier cards compute both as they do 32 bits. */
function beforeAmpere(
  words: readonly string[],
  [fp32, fp16]: readonly [number, number],
  ...rest: readonly [number, number, number]
): GpuPeak {
  const row = gpu(words, [fp32, fp32, fp16], ...rest);
  return { ...row, teraflops: { ...row.teraflops, bf16: fp32 } };
}

/**
 * The row of a type such as `nvidia-a100-80gb` or `Tesla-T4`; undefined for one that no row is about, and for a part of
 * a card such as `NVIDIA-A100-SXM4-80GB-MIG-1g.10gb`, which has neither the memory nor the speed of the whole.
 */
export function peakOf(acceleratorType: string): GpuPeak | undefined {
  const words = new Set(acceleratorType.toLowerCase().split(/[^a-z0-9]+/));
  if (PARTS_OF_A_CARD.some((word) => words.has(word))) return undefined;
  return GPU_PEAKS.find((row) => row.words.every((word) => words.has(word)));
}

/** Floating-point operations a second. */
export function flopsPerSecond({ teraflops }: GpuPeak, precision: Precision): number {
  return 1e12 * { FP32: teraflops.fp32, TF32: teraflops.tf32, BF16: teraflops.bf16, FP16: teraflops.fp16 }[precision];
}

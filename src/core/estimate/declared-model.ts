import type { Precision } from './gpu-peaks.ts';

/** What a user declares of a model before it is run (`spec.prediction.model`); undefined is not known. */
export interface DeclaredModel {
  readonly parameters: number | undefined;
  /** Of a forward and a backward pass. */
  readonly flopsPerSample: number | undefined;
  /** Kept for the backward pass. */
  readonly activationBytesPerSample: number | undefined;
  /** Of a transformer. */
  readonly sequenceLength: number | undefined;
  readonly layers: number | undefined;
  readonly hiddenSize: number | undefined;
  readonly attentionHeads: number | undefined;
  readonly vocabularySize: number | undefined;
  readonly precision: Precision;
  readonly optimizer: 'SGD' | 'Momentum' | 'Adam';
  /** What is divided among the ranks. */
  readonly sharding: 'None' | 'OptimizerState' | 'Gradients' | 'Parameters';
  /** `Selective` also stands for attention that never stores its matrix (FlashAttention). */
  readonly recomputation: 'None' | 'Selective' | 'Full';
  /** Whether layers and attention drop activations, and keep what they dropped. */
  readonly dropout: 'Used' | 'None';
}

/** Dimensions of a transformer. */
export interface TransformerShape {
  readonly sequenceLength: number;
  readonly layers: number;
  readonly hiddenSize: number;
}

export function shapeOf({ sequenceLength, layers, hiddenSize }: DeclaredModel): TransformerShape | undefined {
  if (sequenceLength === undefined || layers === undefined || hiddenSize === undefined) return undefined;
  return { sequenceLength, layers, hiddenSize };
}

/** As declared, or 12·L·h² of the layers and V·h of the embedding. */
export function parametersOf(model: DeclaredModel): number | undefined {
  if (model.parameters !== undefined) return model.parameters;
  const { layers, hiddenSize, vocabularySize = 0 } = model;
  if (layers === undefined || hiddenSize === undefined) return undefined;
  return 12 * layers * hiddenSize ** 2 + vocabularySize * hiddenSize;
}

/**
 * Floating-point operations of a forward and a backward pass for one sample: as declared, or 6·P·s + 12·L·h·s² of a
 * transformer (Chowdhery et al. 2022, "PaLM", appendix B). Recomputation comes on top: a third for all of it.
 */
export function flopsPerSampleOf(model: DeclaredModel): number | undefined {
  const once = model.flopsPerSample ?? transformerFlops(model);
  if (once === undefined) return undefined;
  return model.recomputation === 'Full' ? once * (4 / 3) : once;
}

function transformerFlops(model: DeclaredModel): number | undefined {
  const shape = shapeOf(model);
  const parameters = parametersOf(model);
  if (shape === undefined || parameters === undefined) return undefined;
  const { sequenceLength: s, layers, hiddenSize } = shape;
  return 6 * parameters * s + 12 * layers * hiddenSize * s ** 2;
}

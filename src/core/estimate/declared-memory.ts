import { type DeclaredModel, parametersOf, shapeOf, type TransformerShape } from './declared-model.ts';
import { logBelief, type MemoryBelief } from './memory-belief.ts';

/** What the driver, the libraries and the allocator's fragments take of a GPU before any tensor is made. */
const RUNTIME_BYTES = 1.25 * 2 ** 30;
/** Buffers of the gradients' exchange and of the optimizer's step beside the state itself. */
const BASE_LOG_SD = 0.1;
/** Kernels differ in what they keep; a declared amount is believed more. */
const ACTIVATION_LOG_SD = 0.2;
const DECLARED_ACTIVATION_LOG_SD = 0.1;

/** Bytes per parameter: what every rank holds, and what the ranks share among them. */
export interface StateBytes {
  readonly whole: number;
  readonly sharded: number;
}

/**
 * Bytes per parameter. In mixed precision 2 for the weight, 2 for its gradient and 4 for the master copy; Adam keeps 8
 * more, momentum 4 (Rajbhandari et al. 2020, "ZeRO", section 3.1). Sharding divides the optimizer's state, then the
 * gradients, then the weights among the ranks (ibid., section 5).
 */
export function stateBytes({ precision, optimizer, sharding }: DeclaredModel): StateBytes {
  const isMixed = precision === 'BF16' || precision === 'FP16';
  const word = isMixed ? 2 : 4;
  const state = { SGD: 0, Momentum: 4, Adam: 8 }[optimizer] + (isMixed ? 4 : 0);
  const sharded = { None: 0, OptimizerState: state, Gradients: state + word, Parameters: state + 2 * word }[sharding];
  return { whole: state + 2 * word - sharded, sharded };
}

/**
 * Bytes that the activations of one sample take in a transformer: s·h·(34 + 5·a·s/h) a layer in 16 bits, 34·s·h where
 * the attention matrix is not kept, 2·s·h where only the layers' inputs are (Korthikanti et al. 2022, "Reducing
 * Activation Recomputation in Large Transformer Models", equations 2 and 6). Without dropout two masks of a byte go, and
 * of the attention matrix only the softmax stays. At the peak, the start of the backward pass, the logits are there in
 * the model's precision, and their softmax and its gradient in 32 bits.
 */
export function transformerActivationBytes(model: DeclaredModel, shape: TransformerShape): number {
  const { sequenceLength: s, layers, hiddenSize: h } = shape;
  const word = model.precision === 'BF16' || model.precision === 'FP16' ? 2 : 4;
  const heads = model.attentionHeads ?? Math.max(1, Math.round(h / 64));
  const [perHidden, perAttention] = model.dropout === 'Used' ? [34, 5] : [32, 2];
  const whole = s * h * perHidden + perAttention * heads * s ** 2;
  // While the backward pass redoes a layer, all of that one layer is there.
  const perLayer = { None: whole * layers, Selective: s * h * perHidden * layers, Full: 2 * s * h * layers + whole };
  const logits = s * (model.vocabularySize ?? 0) * (word + 8);
  return (perLayer[model.recomputation] * word) / 2 + logits;
}

/** M0 and M1 of one rank before the start; undefined where parameters or activations cannot be told. */
export function declaredMemory(model: DeclaredModel, limitBytes: number | undefined): MemoryBelief | undefined {
  const parameters = parametersOf(model);
  const shape = shapeOf(model);
  const declared = model.activationBytesPerSample;
  const activations = declared ?? (shape === undefined ? undefined : transformerActivationBytes(model, shape));
  if (parameters === undefined || activations === undefined) return undefined;
  const { whole, sharded } = stateBytes(model);
  const activationSd = declared === undefined ? ACTIVATION_LOG_SD : DECLARED_ACTIVATION_LOG_SD;
  return {
    baseBytes: logBelief(RUNTIME_BYTES + parameters * whole, BASE_LOG_SD),
    shardedBytes: parameters * sharded,
    bytesPerSample: logBelief(activations, activationSd),
    leastBytes: undefined,
    limitBytes,
  };
}

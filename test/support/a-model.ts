import type { DeclaredModel } from '../../src/core/estimate/declared-model.ts';

/** BERT base at 512 tokens in mixed precision with Adam, unless said otherwise. */
export function aModel(parts: Partial<DeclaredModel> = {}): DeclaredModel {
  return {
    parameters: 110e6,
    flopsPerSample: undefined,
    activationBytesPerSample: undefined,
    sequenceLength: 512,
    layers: 12,
    hiddenSize: 768,
    attentionHeads: 12,
    vocabularySize: undefined,
    precision: 'FP16',
    optimizer: 'Adam',
    sharding: 'None',
    recomputation: 'None',
    dropout: 'Used',
    ...parts,
  };
}

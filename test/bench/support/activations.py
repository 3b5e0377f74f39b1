"""Bytes that autograd keeps for the backward pass of one sample more, by model: needs PyTorch, no GPU.

The table in test/unit/core/estimate/declared-memory.test.ts is what this printed under PyTorch 1.13.
"""

import math

import torch
import torch.nn.functional as functional
from torch import nn


class Block(nn.Module):
    """A transformer layer as GPT-2 has it."""

    def __init__(self, hidden: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.norm_1, self.norm_2 = nn.LayerNorm(hidden), nn.LayerNorm(hidden)
        self.query_key_value, self.out = nn.Linear(hidden, 3 * hidden), nn.Linear(hidden, hidden)
        self.up, self.down = nn.Linear(hidden, 4 * hidden), nn.Linear(4 * hidden, hidden)

    def drop(self, x: torch.Tensor) -> torch.Tensor:
        return functional.dropout(x, self.dropout) if self.dropout else x

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        batch, length, hidden = x.shape
        width = hidden // self.heads
        parts = self.query_key_value(self.norm_1(x)).chunk(3, -1)
        query, key, value = (part.view(batch, length, self.heads, width).transpose(1, 2) for part in parts)
        weights = functional.softmax((query * (1 / math.sqrt(width))) @ key.transpose(-1, -2), -1)
        mixed = (self.drop(weights) @ value).transpose(1, 2).reshape(batch, length, hidden)
        x = x + self.drop(self.out(mixed))
        return x + self.drop(self.down(functional.gelu(self.up(self.norm_2(x)))))


class Model(nn.Module):
    def __init__(self, layers: int, hidden: int, heads: int, vocabulary: int, length: int, dropout: float) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, hidden)
        self.position = nn.Parameter(torch.zeros(length, hidden))
        self.blocks = nn.ModuleList([Block(hidden, heads, dropout) for _ in range(layers)])
        self.norm, self.head = nn.LayerNorm(hidden), nn.Linear(hidden, vocabulary, bias=False)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        x = self.embedding(tokens) + self.position
        for block in self.blocks:
            x = block(x)
        return functional.cross_entropy(self.head(self.norm(x)).float().flatten(0, 1), tokens.flatten())


def kept_bytes(model: Model, samples: int, vocabulary: int, length: int) -> int:
    parameters = {parameter.storage().data_ptr() for parameter in model.parameters()}
    kept = {}

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.storage()
        if storage.data_ptr() not in parameters:
            kept[storage.data_ptr()] = storage
        return tensor

    tokens = torch.randint(0, vocabulary, (samples, length))
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        model(tokens)
    return sum(storage.nbytes() for storage in kept.values())


SHAPES = ((4, 256, 4, 1000, 256), (2, 512, 8, 2000, 512), (6, 384, 6, 65, 256), (3, 256, 8, 30000, 128), (12, 128, 2, 256, 64))

for layers, hidden, heads, vocabulary, length in SHAPES:
    for dropout in (0.1, 0.0):
        for dtype in (torch.bfloat16, torch.float32):
            model = Model(layers, hidden, heads, vocabulary, length, dropout).to(dtype)
            more = kept_bytes(model, 3, vocabulary, length) - kept_bytes(model, 1, vocabulary, length)
            print(layers, hidden, heads, vocabulary, length, f"dropout {dropout}", dtype, f"{more / 2e6:.2f} MB")

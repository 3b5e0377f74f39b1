"""Square norms of gradients, as the optimizer sees them, and their sum over ranks."""

from __future__ import annotations

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor
from torch.optim import Optimizer

# What optimizers of the Adam family call their mean of squared gradients
_SECOND_MOMENTS = ("exp_avg_sq", "square_avg")


def parameters_of(optimizer: Optimizer) -> list[torch.nn.Parameter]:
    """All parameters that the optimizer updates."""
    return [parameter for _, parameter in parameters_with_groups(optimizer)]


def parameters_with_groups(optimizer: Optimizer) -> list[tuple[dict[str, Any], torch.nn.Parameter]]:
    """The same, each with its parameter group."""
    return [(group, p) for group in optimizer.param_groups for p in group["params"] if p.requires_grad]


class Preconditioner:
    """Divides gradients by the square root of the optimizer's second moments, where it keeps any.

    Adam does not follow the gradient but g / sqrt(v). Which batch is large enough is decided by the noise of that
    direction: without the division, the few parameters with the largest gradients would decide alone.
    """

    def __init__(self, optimizer: Optimizer, *, enabled: bool = True) -> None:
        self._optimizer = optimizer
        self._enabled = enabled

    @property
    def ready(self) -> bool:
        """False before the first update of an optimizer that will have second moments but has none yet."""
        if not self._enabled or self._optimizer.state:
            return True
        return not any(name in type(self._optimizer).__name__.lower() for name in ("adam", "rmsprop"))

    def weights(self) -> list[Tensor | None]:
        """What each parameter's squared gradients count in the norm, 1 / v; None where the optimizer keeps no v.

        They are as large as the model: hold them for one observation only.
        """
        return [self._weight(p, float(g.get("eps", 0.0))) for g, p in parameters_with_groups(self._optimizer)]

    def _weight(self, parameter: Tensor, epsilon: float) -> Tensor | None:
        state = self._optimizer.state.get(parameter, {}) if self._enabled else {}
        moment = next((state[name] for name in _SECOND_MOMENTS if name in state), None)
        if moment is None:
            return None
        # A parameter that had no gradient so far has v = 0; dividing by epsilon alone would let it drown the rest
        return torch.where(moment > 0, (moment.sqrt() + epsilon).pow(-2), torch.zeros_like(moment))


def square_norm(parameters: list[torch.nn.Parameter], weights: list[Tensor | None]) -> Tensor:
    """|g|^2 of the gradients now in `.grad`, as a tensor, so without a wait for the device."""
    norms = []
    for parameter, weight in zip(parameters, weights, strict=True):
        if parameter.grad is not None:
            gradient = parameter.grad.detach().reshape(-1).float()
            scaled = gradient if weight is None else gradient * weight.reshape(-1).float()
            norms.append(torch.dot(gradient, scaled))
    return torch.stack([norm.to(norms[0].device) for norm in norms]).sum() if norms else torch.zeros(())


class SplitGradients:
    """Looks at every small batch's own gradient while the step's gradient is summed up elsewhere."""

    def __init__(self, parameters: list[torch.nn.Parameter], weights: list[Tensor | None]) -> None:
        self._weights = weights
        self._parameters = parameters
        self._sums: list[Tensor | None] = [None] * len(parameters)
        self._square_norms: list[Tensor] = []

    def take(self, weight: float) -> None:
        """Measure the gradient of the small batch just back-propagated with this weight, and set it aside."""
        self._square_norms.append(torch.div(square_norm(self._parameters, self._weights), weight**2))
        for index, parameter in enumerate(self._parameters):
            gradient, parameter.grad = parameter.grad, None
            before = self._sums[index]
            if gradient is not None:
                self._sums[index] = gradient if before is None else before.add_(gradient)

    def put_back(self) -> None:
        """Leave the summed gradient in `.grad`, as if it had been accumulated there."""
        for parameter, total in zip(self._parameters, self._sums, strict=True):
            parameter.grad = total

    def square_norm(self) -> Tensor:
        """|g|^2 of the gradient now in `.grad`."""
        return square_norm(self._parameters, self._weights)

    def mean_square_norm(self) -> Tensor:
        """Mean of |g_i|^2 over this rank's small batches."""
        return torch.stack(self._square_norms).mean()


def average_over_ranks(parameters: list[torch.nn.Parameter], size: int) -> None:
    """Replace every gradient by its mean over the ranks, in one message per type of number."""
    kinds: dict[tuple[torch.dtype, torch.device], list[torch.nn.Parameter]] = {}
    for parameter in parameters:
        if parameter.grad is None:  # unused on this rank, perhaps not on others
            parameter.grad = torch.zeros_like(parameter)
        kinds.setdefault((parameter.grad.dtype, parameter.grad.device), []).append(parameter)
    for members in kinds.values():
        gradients = [member.grad for member in members if member.grad is not None]
        flat = torch.cat([gradient.reshape(-1) for gradient in gradients])
        dist.all_reduce(flat)
        flat.div_(size)
        offset = 0
        for gradient in gradients:
            gradient.copy_(flat[offset : offset + gradient.numel()].view_as(gradient))
            offset += gradient.numel()

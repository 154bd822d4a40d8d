"""Adam (Kingma & Ba 2015, algorithm 1) on parameters that lie in one piece of memory.

One piece makes a step, a gradient's norm, a copy and a check one call each, where a network's many small tensors cost a
call each. PyTorch's own optimisers also take more than a second to import.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import nn

_ALIGNMENT = 16  # numbers: 64 bytes, a cache line and the widest vector register


class FlatAdam:
    """Moves a module's parameters into one piece of memory, views of which the module goes on working with.

    Args:
        parameters: The module's parameters.
        lr: Step size.
        betas: Decay of the first and the second moment.
        eps: Keeps a step finite where gradients vanish.

    Attributes:
        lr: Step size of the next steps.
        values: All parameters, shape ``(P,)``; each begins at a cache line, and what lies between is zero.
        gradients: Their gradients, shape ``(P,)``; the parameters' ``grad`` are views of it.
        first_moment: Shape ``(P,)``.
        second_moment: Shape ``(P,)``.
        steps: Steps taken.
    """

    def __init__(
        self,
        parameters: Iterable[nn.Parameter],
        lr: float,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-5,
    ) -> None:
        self.lr, self._betas, self._eps = lr, betas, eps
        self.steps = 0
        parameters = list(parameters)
        begins, size = [], 0
        for parameter in parameters:
            begins.append(size)
            size += -(-parameter.numel() // _ALIGNMENT) * _ALIGNMENT
        self.values, self.gradients, self.first_moment, self.second_moment, self._scratch = (
            torch.zeros(size) for _ in range(5)
        )
        for parameter, begin in zip(parameters, begins, strict=True):
            end = begin + parameter.numel()
            values = self.values[begin:end].view(parameter.shape)
            parameter.data = values.copy_(parameter.data)
            parameter.grad = self.gradients[begin:end].view(parameter.shape)

    @torch.no_grad()
    def clip_gradients(self, norm: float) -> None:
        """Scale the gradients down to a norm where theirs is larger (Pascanu et al. 2013, algorithm 1)."""
        scale = norm / (torch.linalg.vector_norm(self.gradients) + 1e-6)
        self.gradients.mul_(scale.clamp_(max=1.0))

    @torch.no_grad()
    def step(self) -> None:
        """Change the parameters by their gradients."""
        self.steps += 1
        first, second = self._betas
        self.first_moment.lerp_(self.gradients, 1.0 - first)
        self.second_moment.mul_(second).addcmul_(self.gradients, self.gradients, value=1.0 - second)
        scale = torch.sqrt(self.second_moment, out=self._scratch)
        scale.div_(math.sqrt(1.0 - second**self.steps)).add_(self._eps)
        self.values.addcdiv_(self.first_moment, scale, value=-self.lr / (1.0 - first**self.steps))

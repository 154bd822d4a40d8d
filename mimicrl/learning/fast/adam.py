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
        self.values, self.gradients, self.first_moment, self.second_moment = (torch.zeros(size) for _ in range(4))
        for parameter, begin in zip(parameters, begins, strict=True):
            end = begin + parameter.numel()
            values = self.values[begin:end].view(parameter.shape)
            parameter.data = values.copy_(parameter.data)
            parameter.grad = self.gradients[begin:end].view(parameter.shape)

    @torch.no_grad()
    def step(self, max_norm: float = math.inf) -> None:
        """Change the parameters by their gradients, which are scaled in place.

        Args:
            max_norm: Gradients whose norm is larger are scaled down to it (Pascanu et al. 2013, algorithm 1).
        """
        self.steps += 1
        # The kernel of PyTorch's own Adam: one pass over the memory where its operations one by one would be seven.
        torch.ops.aten._fused_adam_(
            [self.values],
            [self.gradients],
            [self.first_moment],
            [self.second_moment],
            [],
            [self.values.new_full((), self.steps)],
            lr=self.lr,
            beta1=self._betas[0],
            beta2=self._betas[1],
            weight_decay=0.0,
            eps=self._eps,
            amsgrad=False,
            maximize=False,
            grad_scale=(torch.linalg.vector_norm(self.gradients) / max_norm).clamp_(min=1.0),  # gradients / grad_scale
        )

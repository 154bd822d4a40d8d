"""Fully connected networks with their own forward and backward pass, on preallocated memory and without autograd.

For networks of a few hundred units autograd, modules and distributions cost as much as the matrix products. What is
computed is the same: `tests/learning/fast/test_networks.py` compares every gradient with autograd's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import nn


class Network:
    """A fully connected network whose hidden layers have one activation.

    Args:
        layers: Its linear layers, whose parameters have gradients to write to.
        activation: Of the hidden layers.
        rows: Most rows of a batch.
    """

    def __init__(self, layers: Sequence[nn.Linear], activation: Literal["relu", "tanh"], rows: int) -> None:
        self._weights = [layer.weight.detach() for layer in layers]
        self._biases = [layer.bias.detach() for layer in layers]
        self._weight_gradients = [_gradient(layer.weight) for layer in layers]
        self._bias_gradients = [_gradient(layer.bias) for layer in layers]
        self._relu = activation == "relu"
        widths = [layer.out_features for layer in layers]
        self._outputs = [torch.empty(rows, width) for width in widths]
        self._errors = [torch.empty(rows, width) for width in widths[:-1]]
        self._inputs = torch.empty(0)
        # Views cost as much as small operations do, so they are made once.
        self._transposed = [weight.t() for weight in self._weights]
        # One a number of rows; there are never more than the rows of a batch.
        self._views: dict[int, tuple[list[torch.Tensor], list[torch.Tensor]]] = {}

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Return the network's output, in memory that the next call overwrites.

        Args:
            inputs: Shape ``(n, D)``.

        Returns:
            Shape ``(n, K)``.
        """
        self._inputs = values = inputs
        last = len(self._weights) - 1
        outputs, _ = self._memory(len(inputs))
        for layer, (weight, bias) in enumerate(zip(self._transposed, self._biases, strict=True)):
            values = torch.addmm(bias, values, weight, out=outputs[layer])
            if layer < last:
                torch.relu_(values) if self._relu else torch.tanh_(values)
        return values

    def backward(self, error: torch.Tensor) -> None:
        """Write the gradients of a loss for the batch of the last `forward`.

        Args:
            error: The loss's derivative by the output, shape ``(n, K)``.
        """
        outputs, errors = self._memory(len(self._inputs))
        for layer in reversed(range(len(self._weights))):
            inputs = outputs[layer - 1] if layer else self._inputs
            torch.mm(error.t(), inputs, out=self._weight_gradients[layer])
            torch.sum(error, 0, out=self._bias_gradients[layer])
            if layer:
                error = torch.mm(error, self._weights[layer], out=errors[layer - 1])
                if self._relu:
                    torch.ops.aten.threshold_backward.grad_input(error, inputs, 0, grad_input=error)
                else:
                    torch.ops.aten.tanh_backward.grad_input(error, inputs, grad_input=error)

    def _memory(self, count: int) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
        """Return the memory of outputs and errors for so many rows."""
        if count not in self._views:
            self._views[count] = ([part[:count] for part in self._outputs], [part[:count] for part in self._errors])
        return self._views[count]


def _gradient(parameter: torch.Tensor) -> torch.Tensor:
    assert parameter.grad is not None
    return parameter.grad

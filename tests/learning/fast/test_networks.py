"""Networks: outputs and gradients are those of PyTorch's modules and of its autograd."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

import pytest
import torch
from torch import nn

from mimicrl.learning.fast.networks import Network

ROWS = 12
Activation = Literal["relu", "tanh"]


def make(widths: Sequence[int], activation: Activation) -> tuple[nn.Sequential, Network]:
    """A module and the network on its parameters."""
    torch.manual_seed(len(widths))
    layers = [nn.Linear(*pair) for pair in pairwise(widths)]
    for layer in layers:
        for parameter in layer.parameters():
            parameter.grad = torch.full_like(parameter, torch.nan)  # all is overwritten
    hidden = nn.ReLU if activation == "relu" else nn.Tanh
    modules = [module for layer in layers for module in (layer, hidden())][:-1]
    return nn.Sequential(*modules), Network(layers, activation, ROWS)


@pytest.mark.parametrize("activation", ["relu", "tanh"])
@pytest.mark.parametrize("widths", [(5, 3), (5, 8, 1), (5, 8, 6, 3), (5, 4, 4, 4, 2)])
@pytest.mark.parametrize("rows", [1, 7, ROWS])
def test_outputs_and_gradients_are_autograds(widths: Sequence[int], activation: Activation, rows: int) -> None:
    module, network = make(widths, activation)
    for _ in range(2):  # the second time on used memory
        inputs, error = torch.randn(rows, widths[0]), torch.randn(rows, widths[-1])
        expected = module(inputs)
        expected_gradients = torch.autograd.grad(expected, list(module.parameters()), error)
        with torch.no_grad():
            assert torch.equal(network.forward(inputs), expected)
            network.backward(error)
        for parameter, gradient in zip(module.parameters(), expected_gradients, strict=True):
            assert parameter.grad is not None
            torch.testing.assert_close(parameter.grad, gradient, rtol=1e-6, atol=1e-6)


def test_a_change_of_the_modules_parameters_is_seen() -> None:
    module, network = make((4, 6, 2), "relu")
    inputs = torch.randn(3, 4)
    before = network.forward(inputs).clone()
    other, _ = make((4, 6, 2), "relu")
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.add_(0.1)
        module.load_state_dict(other.state_dict())
        assert torch.equal(network.forward(inputs), other(inputs)) and not torch.equal(before, other(inputs))

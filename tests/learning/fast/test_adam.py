"""Adam on one piece of memory: PyTorch's steps, and the module goes on working."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from mimicrl.learning.fast.adam import FlatAdam


@pytest.fixture
def module() -> nn.Module:
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(5, 7), nn.Tanh(), nn.Linear(7, 3))


def copy_of(module: nn.Module) -> nn.Module:
    other = nn.Sequential(nn.Linear(5, 7), nn.Tanh(), nn.Linear(7, 3))
    other.load_state_dict(module.state_dict())
    return other


def test_the_module_keeps_its_parameters_and_lets_them_be_loaded(module: nn.Module) -> None:
    inputs = torch.randn(4, 5)
    before, weights = module(inputs), copy_of(module).state_dict()
    optimizer = FlatAdam(module.parameters(), lr=0.1)
    assert torch.equal(module(inputs), before)
    optimizer.values.zero_()
    assert not any(parameter.any() for parameter in module.parameters())
    module.load_state_dict(weights)
    assert torch.equal(module(inputs), before)
    assert optimizer.values.count_nonzero() == sum(parameter.numel() for parameter in module.parameters())


def test_every_parameter_begins_at_a_cache_line(module: nn.Module) -> None:
    FlatAdam(module.parameters(), lr=0.1)
    for parameter in module.parameters():
        assert parameter.grad is not None
        assert parameter.data_ptr() % 64 == parameter.grad.data_ptr() % 64 == 0


@pytest.mark.parametrize("norm", [0.05, 1e9])
def test_steps_are_pytorchs(module: nn.Module, norm: float) -> None:
    other = copy_of(module)
    optimizer = FlatAdam(module.parameters(), lr=0.0)
    expected = torch.optim.Adam(other.parameters(), lr=0.0, eps=1e-5, fused=True)
    for step in range(20):
        inputs, targets = torch.randn(4, 5), torch.randn(4, 3)
        optimizer.lr = expected.param_groups[0]["lr"] = 0.1 / (1 + step)
        for model in (module, other):
            model.zero_grad(set_to_none=False)
            nn.functional.mse_loss(model(inputs), targets).backward()
        nn.utils.clip_grad_norm_(other.parameters(), norm)
        optimizer.step(norm)
        expected.step()
    for ours, theirs in zip(module.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-7)


def test_where_nothing_is_scaled_down_steps_are_pytorchs_to_the_bit(module: nn.Module) -> None:
    optimizer = FlatAdam(module.parameters(), lr=0.01)
    whole = nn.Parameter(optimizer.values.clone())
    expected = torch.optim.Adam([whole], lr=0.01, eps=1e-5, fused=True)
    for _ in range(20):
        optimizer.gradients.copy_(torch.randn(len(whole)) * (optimizer.values != 0))
        whole.grad = optimizer.gradients.clone()
        optimizer.step(1e9)
        expected.step()
        assert torch.equal(optimizer.values, whole)


def test_what_lies_between_the_parameters_stays_zero(module: nn.Module) -> None:
    optimizer = FlatAdam(module.parameters(), lr=0.1)
    sizes = sum(parameter.numel() for parameter in module.parameters())
    for _ in range(3):
        module(torch.randn(4, 5)).square().sum().backward()
        optimizer.step()
    for flat in (optimizer.values, optimizer.gradients, optimizer.first_moment):
        assert flat.count_nonzero() == sizes < len(flat)

"""Products in bfloat16 where the processor has none: only their factors are rounded, as the instructions do it."""

from __future__ import annotations

import pytest
import torch

from mimicrl.training import devices

RANDOM = torch.Generator().manual_seed(1)
FACTORS = torch.randn(128, 256, generator=RANDOM), torch.randn(256, 64, generator=RANDOM)
BIAS = torch.randn(64, generator=RANDOM)


def test_factors_are_rounded_and_sums_are_not() -> None:
    from benchmarks.bfloat16 import rounded_products

    left, right = (factor.bfloat16().double() for factor in FACTORS)
    with rounded_products():
        product, sum_ = torch.mm(*FACTORS), torch.addmm(BIAS, *FACTORS)
    torch.testing.assert_close(product.double(), left @ right, rtol=0, atol=1e-4)
    torch.testing.assert_close(sum_.double(), BIAS + left @ right, rtol=0, atol=1e-4)
    assert (torch.mm(*FACTORS) - product).abs().max() > 1e-2, "afterwards they are as they were"


def test_results_go_where_they_should() -> None:
    from benchmarks.bfloat16 import rounded_products

    out = torch.empty(128, 64)
    with rounded_products():
        assert torch.mm(*FACTORS, out=out) is out
        assert torch.equal(out, torch.mm(*FACTORS))


def test_the_processors_own_are_the_same_but_for_the_order_of_sums() -> None:
    from benchmarks.bfloat16 import has_bfloat16, rounded_products

    if not has_bfloat16():
        pytest.skip("this processor has no bfloat16")
    with rounded_products():
        rounded = torch.mm(*FACTORS)
    with devices.products_in("bfloat16"):
        product = torch.mm(*FACTORS)
    torch.testing.assert_close(product, rounded, rtol=0, atol=1e-4)

"""Independent random streams of a run, all derived from its one seed.

Stable-Baselines3 gives environment ``i`` the seed ``base + i``. Runs with the neighbouring seeds 0 and 1 would
then share most of their environments' random numbers, so the base of each stream is hashed from the run seed.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

_WORD = (1 << 64) - 1


class Streams(NamedTuple):
    """One 32-bit base seed for each consumer of randomness in a run."""

    policy: int
    environments: int
    evaluation: int


def streams(run_seed: int) -> Streams:
    """Return the base seeds of a run.

    Args:
        run_seed: The seed that names the run, at least 0.
    """
    children = np.random.SeedSequence(run_seed).spawn(len(Streams._fields))
    return Streams(*(int(child.generate_state(1, np.uint32)[0]) for child in children))


def environment_seeds(base: int, count: int) -> list[int]:
    """Return the seed of each of `count` environments, as Stable-Baselines3 assigns them."""
    return [base + index for index in range(count)]


def generator(seed: int) -> np.random.Generator:
    """Return the generator that Gymnasium gives an environment reset with `seed`."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed)))


def generator_state(generator: np.random.Generator) -> np.ndarray:
    """Return a PCG64 generator's complete state, uint64, shape ``(6,)``."""
    state = generator.bit_generator.state
    words = [
        (number >> shift) & _WORD for number in (state["state"]["state"], state["state"]["inc"]) for shift in (64, 0)
    ]
    return np.array([*words, state["has_uint32"], state["uinteger"]], dtype=np.uint64)


def set_generator_state(generator: np.random.Generator, row: np.ndarray) -> None:
    """Set a PCG64 generator to a state of `generator_state`."""
    words = [int(word) for word in row]
    generator.bit_generator.state = {
        "bit_generator": "PCG64",
        "state": {"state": words[0] << 64 | words[1], "inc": words[2] << 64 | words[3]},
        "has_uint32": words[4],
        "uinteger": words[5],
    }

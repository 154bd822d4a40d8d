"""What a few seeds say about an experiment: interquartile mean and bootstrap intervals.

Agarwal et al., "Deep Reinforcement Learning at the Edge of the Statistical Precipice", NeurIPS 2021: a mean over a few
runs needs an interval, and the interquartile mean is less at the mercy of one lucky or unlucky seed than the mean
and less wasteful than the median. All functions take one number a seed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

CONFIDENCE = 0.95
RESAMPLES = 10_000
SEED = 20220101
"""Of the resampling: one for all, so that the same values have the same interval in every table."""
SEEDS_FOR_INTERVAL = 3
"""With fewer seeds resampling says nothing, and the values are shown."""

Statistic = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Estimate:
    """An experiment's figure over its seeds.

    Attributes:
        values: The figure of each seed, in the seeds' order.
        mean: Mean; NaN without values.
        sd: Standard deviation of the sample; NaN below two values.
        iqm: Interquartile mean; NaN without values.
        low: Lower end of the 95 % interval of `iqm`; NaN below three values.
        high: Its upper end.
    """

    values: tuple[float, ...]
    mean: float
    sd: float
    iqm: float
    low: float
    high: float


@dataclass(frozen=True)
class CensoredMedian:
    """The median of times to an event that some seeds never met; infinity stands for "later than the budget".

    Attributes:
        values: The time of each seed, infinite where it never came.
        median: Their median, infinite unless more than half of the seeds met it; NaN without values.
        low: Lower end of its 95 % interval; NaN below three values.
        high: Its upper end.
    """

    values: tuple[float, ...]
    median: float
    low: float
    high: float

    @property
    def reached(self) -> int:
        """Number of seeds that met the event."""
        return sum(np.isfinite(self.values))


def summarize(values: Sequence[float], seed: int = SEED) -> Estimate:
    """Sum up a figure over seeds.

    Args:
        values: One finite number a seed.
        seed: Of the resampling.
    """
    array = np.asarray(values, dtype=float)
    low, high = bootstrap_interval(array, iqm, seed) or (np.nan, np.nan)
    return Estimate(tuple(array.tolist()), mean(array), sd(array), float(iqm(array)), low, high)


def summarize_censored(values: Sequence[float], seed: int = SEED) -> CensoredMedian:
    """Sum up times to an event over seeds.

    Args:
        values: One number a seed, infinity where the event never came.
        seed: Of the resampling.
    """
    array = np.asarray(values, dtype=float)
    low, high = bootstrap_interval(array, median, seed) or (np.nan, np.nan)
    return CensoredMedian(tuple(array.tolist()), float(median(array)), low, high)


def mean(values: Sequence[float] | np.ndarray) -> float:
    """Return the mean; NaN without values."""
    return float(np.mean(values)) if len(values) else np.nan


def sd(values: Sequence[float] | np.ndarray) -> float:
    """Return the standard deviation of a sample, with n - 1 in the denominator; NaN below two values."""
    return float(np.std(values, ddof=1)) if len(values) > 1 else np.nan


def iqm(values: np.ndarray) -> np.ndarray:
    """Return the interquartile mean (Agarwal et al. 2021): without the lowest and highest quarter, rounded down.

    Args:
        values: Shape ``(..., n)``; NaN is returned where n is 0.

    Returns:
        Shape ``(...)``.
    """
    n = np.shape(values)[-1]
    if n == 0:
        return np.full(np.shape(values)[:-1], np.nan)
    cut = n // 4
    return np.sort(values, axis=-1)[..., cut : n - cut].mean(axis=-1)


def median(values: np.ndarray) -> np.ndarray:
    """Return the median of values that may be infinite; of an even number, halfway between the middle two.

    Args:
        values: Shape ``(..., n)``; NaN is returned where n is 0.

    Returns:
        Shape ``(...)``.
    """
    n = np.shape(values)[-1]
    if n == 0:
        return np.full(np.shape(values)[:-1], np.nan)
    return np.sort(values, axis=-1)[..., (n - 1) // 2 : n // 2 + 1].mean(axis=-1)


def bootstrap_interval(values: np.ndarray, statistic: Statistic, seed: int = SEED) -> tuple[float, float] | None:
    """Return the percentile bootstrap interval (Efron 1979) of a statistic, or None below three values.

    Its ends are among the resampled statistics, none is interpolated: halfway to infinity there is no number. They are
    the nearest ones outwards, so the interval is, if anything, too long.

    Args:
        values: One number a seed, shape ``(n,)``; the order does not matter.
        statistic: Reduces the last axis.
        seed: Of the resampling.
    """
    n = len(values)
    if n < SEEDS_FOR_INTERVAL:
        return None
    resampled = np.sort(statistic(np.sort(values)[_resamples(n, seed)]))
    low, high = _ends()
    return float(resampled[low]), float(resampled[high])


def iqm_band(values: np.ndarray, seed: int = SEED) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return interquartile mean and both ends of its interval, as `summarize` does, of many figures at once.

    Of ascending values the resamples' middles are the same places whatever the values are, so they are one product
    of matrices.

    Args:
        values: Finite, one row per seed and one column per figure, shape ``(n, m)``.
        seed: Of the resampling.

    Returns:
        Shape ``(m,)`` each; the ends are NaN below three seeds.
    """
    n, m = values.shape
    middle = iqm(values.T)
    if n < SEEDS_FOR_INTERVAL:
        return middle, np.full(m, np.nan), np.full(m, np.nan)
    resampled = np.sort(_middles(n, seed) @ np.sort(values, axis=0), axis=0)
    low, high = _ends()
    return middle, resampled[low], resampled[high]


def _ends() -> tuple[int, int]:
    """Return the places of the interval's ends among the ascending resampled statistics."""
    tail = int(np.floor((1 - CONFIDENCE) / 2 * (RESAMPLES - 1)))
    return tail, RESAMPLES - 1 - tail


@lru_cache(maxsize=2)
def _middles(n: int, seed: int) -> np.ndarray:
    """Return the weight of each of n ascending values in the interquartile mean of each resample."""
    cut, resamples = n // 4, _resamples(n, seed)
    places = resamples[:, cut : n - cut] + n * np.arange(RESAMPLES)[:, None]
    return np.bincount(places.ravel(), minlength=RESAMPLES * n).reshape(RESAMPLES, n) / (n - 2 * cut)


@lru_cache(maxsize=8)
def _resamples(n: int, seed: int) -> np.ndarray:
    """Return which of n values each resample takes, shape ``(RESAMPLES, n)``; each row ascends, which saves sorting."""
    return np.sort(np.random.default_rng(seed).integers(0, n, (RESAMPLES, n)), axis=1)

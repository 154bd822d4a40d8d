"""Statistics over the seeds of an experiment: interquartile mean and bootstrap intervals.

Agarwal et al., "Deep Reinforcement Learning at the Edge of the Statistical Precipice", NeurIPS 2021: a mean over a few
runs needs an interval. The interquartile mean depends less on one lucky or unlucky seed than the mean does, and it uses
more of the data than the median. All functions take one number per seed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np

CONFIDENCE = 0.95
RESAMPLES = 10_000
SEED = 20220101
"""Of the resampling. It is the same for all, so that the same values have the same interval in every table."""
SEEDS_FOR_INTERVAL = 3
"""With fewer seeds there is no interval, and the values themselves are shown."""

_CURVE_POINTS = 201

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
    """The median time to an event that some seeds never reached; infinity stands for "later than the budget".

    Attributes:
        values: The time of each seed, infinite where the event never came.
        median: Their median, infinite unless more than half of the seeds reached it; NaN without values.
        low: Lower end of its 95 % interval; NaN below three values.
        high: Its upper end.
    """

    values: tuple[float, ...]
    median: float
    low: float
    high: float

    @property
    def reached(self) -> int:
        """Number of seeds that reached the event."""
        return sum(np.isfinite(self.values))


def summarize(values: Sequence[float], seed: int = SEED) -> Estimate:
    """Summarize finite values, one per seed; `seed` is that of the resampling."""
    array = np.asarray(values, dtype=float)
    low, high = bootstrap_interval(array, iqm, seed) or (np.nan, np.nan)
    return Estimate(tuple(array.tolist()), mean(array), sd(array), float(iqm(array)), low, high)


def summarize_censored(values: Sequence[float], seed: int = SEED) -> CensoredMedian:
    """Summarize times to an event, one per seed, infinite where it never came; `seed` is that of the resampling."""
    array = np.asarray(values, dtype=float)
    low, high = bootstrap_interval(array, partial(np.median, axis=-1), seed) or (np.nan, np.nan)
    return CensoredMedian(tuple(array.tolist()), float(np.median(array)) if len(array) else np.nan, low, high)


def mean(values: Sequence[float] | np.ndarray) -> float:
    """Return the mean; NaN without values."""
    return float(np.mean(values)) if len(values) else np.nan


def sd(values: Sequence[float] | np.ndarray) -> float:
    """Return the standard deviation of a sample, with n - 1 in the denominator; NaN below two values."""
    return float(np.std(values, ddof=1)) if len(values) > 1 else np.nan


def iqm(values: np.ndarray) -> np.ndarray:
    """Return the interquartile mean (Agarwal et al. 2021): the mean without the lowest and the highest quarter.

    The number of values left out at each end is rounded down. The values are added in ascending order, so that the
    order of the seeds does not change the last bit; `scipy.stats.trim_mean` does not promise that.

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


def bootstrap_interval(values: np.ndarray, statistic: Statistic, seed: int = SEED) -> tuple[float, float] | None:
    """Return the percentile bootstrap interval (Efron 1979) of a statistic, or None below three values.

    Its ends are resampled statistics and never interpolated, as there is no number halfway to infinity. They are
    rounded outwards, so the interval is too long rather than too short.

    Args:
        values: One number per seed, shape ``(n,)``; the order does not matter.
        statistic: Reduces the last axis.
        seed: Of the resampling.
    """
    n = len(values)
    if n < SEEDS_FOR_INTERVAL:
        return None
    resampled = np.sort(statistic(np.sort(values)[_resamples(n, seed)]))
    low, high = _ends()
    return float(resampled[low]), float(resampled[high])


def mean_curve(curves: Sequence[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, ...]:
    """Return the interquartile mean of curves and its 95 % interval, from where all have begun to where the last ends.

    Between its points a curve is interpolated; after its end it keeps its last value.

    Args:
        curves: ``(x, y)`` of each seed, shape ``(n,)`` each, x ascending.

    Returns:
        ``x``, interquartile mean, and lower and upper end of its interval, shape ``(m,)`` each; the ends are NaN below
        three seeds.
    """
    x = np.unique(np.concatenate([x for x, _ in curves]))
    if len(x) > _CURVE_POINTS:  # wall times differ in all seeds
        x = np.linspace(x[0], x[-1], _CURVE_POINTS)
    x = x[x >= max(x[0] for x, _ in curves)]
    return x, *iqm_band(np.array([np.interp(x, *curve) for curve in curves]))


def iqm_band(values: np.ndarray, seed: int = SEED) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return interquartile mean and both ends of its interval, as `summarize` does, of many figures at once.

    In sorted data the middle of a resample is at the same places whatever the values are. So the means of all resamples
    are one product of matrices.

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

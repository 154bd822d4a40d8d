"""A trained policy as two plain files, and its inference without Stable-Baselines3 or PyTorch.

``policy.safetensors`` holds the networks and the observation normaliser, ``policy.json`` the architecture, the meaning
of each observation and action, where the policy comes from, and the hash of the weights. Neither can carry code.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load as load_tensors
from safetensors.numpy import save as save_tensors

from mimicrl import artifacts
from mimicrl.errors import ArtifactError, ConfigError
from mimicrl.runs import Checkpoint, Run, identity
from mimicrl.runs.layout import DESCRIPTION, WEIGHTS
from mimicrl.runs.records import PolicyDescription

FORMAT = 1
_EPSILON = 1e-8  # of Stable-Baselines3's VecNormalize
# While a writer replaces the files, they belong to different policies. After this time [s] that counts as damage.
_WRITER_S = 2.0
_POLL_S = 0.005


@dataclass(frozen=True, eq=False)
class Policy:
    """A Gaussian policy with a multilayer perceptron and a frozen observation normaliser.

    Attributes:
        tensors: ``actor.0.weight``, ``actor.0.bias``, …; the same for ``critic``; ``log_std``; and
            ``observation.mean``, ``observation.variance`` (float64).
        activation: ``relu`` or ``tanh``.
        clip_observation: Normalised observations are clipped to plus or minus this.
        about: What else ``policy.json`` tells: spaces, run, samples, versions.
    """

    tensors: Mapping[str, np.ndarray]
    activation: str
    clip_observation: float
    about: Mapping[str, Any] = field(default_factory=dict)

    # Computed once, at the first prediction, as the tensors do not change.

    @cached_property
    def _actor(self) -> list[tuple[np.ndarray, np.ndarray]]:
        count = sum(name.startswith("actor.") and name.endswith(".weight") for name in self.tensors)
        return [(self.tensors[f"actor.{n}.weight"].T, self.tensors[f"actor.{n}.bias"]) for n in range(count)]

    @cached_property
    def _scale(self) -> np.ndarray:
        return np.sqrt(self.tensors["observation.variance"] + _EPSILON)

    @property
    def weights_sha256(self) -> str:
        """The hash of ``policy.safetensors``, which names these weights."""
        return artifacts.sha256(self.weights())

    @property
    def observation_size(self) -> int:
        """Length D of an observation."""
        return len(self.tensors["observation.mean"])

    def predict(self, observation: np.ndarray, generator: np.random.Generator | None = None) -> np.ndarray:
        """Return actions for a batch of observations.

        The last bits of an action depend on the number of rows, because matrix products then sum in another order. To
        repeat an evaluation bitwise, give the same number of rows.

        Args:
            observation: Shape ``(N, D)`` or ``(D,)``.
            generator: Draw from the policy's distribution with it; by default the mean is returned.

        Returns:
            Actions in [-1, 1], float32, shape ``(N, A)`` or ``(A,)``.
        """
        rows = np.atleast_2d(observation)
        if rows.shape[1] != self.observation_size:
            raise ArtifactError(
                "the policy was trained on other observations",
                got=f"{rows.shape[1]} numbers",
                expected=self.observation_size,
            )
        normalized = (rows - self.tensors["observation.mean"]) / self._scale
        values = _clipped(normalized, self.clip_observation).astype(np.float32)
        activate = _relu if self.activation == "relu" else np.tanh
        last = len(self._actor) - 1
        for layer, (weight, bias) in enumerate(self._actor):
            values = values @ weight + bias
            if layer < last:
                activate(values, out=values)
        if generator is not None:
            noise = generator.standard_normal(values.shape, np.float32)
            values = values + np.exp(self.tensors["log_std"]) * noise
        actions = _clipped(values, 1.0)
        return actions if np.ndim(observation) == 2 else actions[0]

    def description(self) -> dict[str, Any]:
        """Return the content of ``policy.json``."""
        own = {
            "format": FORMAT,
            "weights_sha256": self.weights_sha256,
            "activation": self.activation,
            "clip_observation": self.clip_observation,
        }
        return PolicyDescription.model_validate(own | dict(self.about)).as_json()

    def weights(self) -> bytes:
        """Return the content of ``policy.safetensors``."""
        return save_tensors({name: np.ascontiguousarray(tensor) for name, tensor in self.tensors.items()})

    def save(self, directory: Path) -> None:
        """Write the policy; the description, with the weights' hash, comes last and makes it complete."""
        artifacts.write_bytes(directory / WEIGHTS, self.weights())
        artifacts.write_json(directory / DESCRIPTION, self.description())

    @classmethod
    def load(cls, directory: Path | str) -> Policy:
        """Read a policy, also while another one is written over it.

        Raises:
            ArtifactError: A file is missing or damaged, the two do not belong together, or a number is not finite.
        """
        directory = Path(directory)
        deadline = time.monotonic() + _WRITER_S
        while True:
            about = artifacts.read_json(directory / DESCRIPTION)
            try:
                weights = (directory / WEIGHTS).read_bytes()
            except OSError as error:
                raise ArtifactError("a policy is incomplete", where=directory / WEIGHTS, got=error.strerror) from error
            # A trainer may have replaced the weights and not yet the description.
            if _belong_together(weights, about) or time.monotonic() > deadline:
                return cls.parse(weights, about, directory)
            time.sleep(_POLL_S)

    @classmethod
    def of_run(cls, run: Run, checkpoint: Checkpoint) -> Policy:
        """Read a policy of a run, after checking that the run's files and the policy belong together.

        Raises:
            ArtifactError: The policy is missing or damaged, or a file of the run was changed.
            ConfigError: The policy was trained with another configuration.
        """
        identity.verify(run)
        policy = cls.load(run.policy_directory(checkpoint))
        if policy.about.get("fingerprint") != run.fingerprint:
            raise ConfigError(
                "the policy was trained with another configuration",
                where=run.policy_directory(checkpoint),
                got=policy.about.get("fingerprint"),
                expected=run.fingerprint,
                fix="mimicrl train this run again",
            )
        return policy

    @classmethod
    def parse(cls, weights: bytes, about: Any, directory: Path) -> Policy:
        """Return the policy of two files' contents.

        Args:
            weights: Of ``policy.safetensors``.
            about: Of ``policy.json``, parsed.
            directory: Where they come from, for the errors.

        Raises:
            ArtifactError: They are damaged, do not belong together, or a number is not finite.
        """
        found = about.get("format") if isinstance(about, dict) else f"a {type(about).__name__}"
        if found != FORMAT:
            raise ArtifactError("unknown policy format", where=directory, got=found, expected=FORMAT)
        if not _belong_together(weights, about):
            raise ArtifactError(
                "a policy's weights are not those it describes",
                where=directory / WEIGHTS,
                got=f"sha256 {artifacts.sha256(weights)[:12]}…",
                expected=f"{str(about.get('weights_sha256'))[:12]}…",
                fix="train or evaluate again",
            )
        try:
            tensors = load_tensors(weights)
        except SafetensorError as error:
            raise ArtifactError("a policy's weights cannot be read", where=directory / WEIGHTS, got=error) from error
        bad = [name for name, tensor in tensors.items() if not np.isfinite(tensor).all()]
        if bad:
            raise ArtifactError("a policy has numbers that are not finite", where=directory, got=", ".join(bad))
        missing = sorted({"activation", "clip_observation"} - set(about))
        if missing:
            raise ArtifactError("a policy's description is incomplete", where=directory, expected=", ".join(missing))
        return cls(
            tensors=tensors,
            activation=about["activation"],
            clip_observation=about["clip_observation"],
            about={key: value for key, value in about.items() if key not in PolicyDescription.model_fields},
        )


def _clipped(values: np.ndarray, limit: float) -> np.ndarray:
    return np.minimum(np.maximum(values, -limit), limit)  # a fifth of np.clip's time for few numbers


def _relu(values: np.ndarray, out: np.ndarray) -> np.ndarray:
    return np.maximum(values, 0, out=out)


def _belong_together(weights: bytes, about: Any) -> bool:
    return isinstance(about, dict) and artifacts.sha256(weights) == about.get("weights_sha256")

"""Dumps: the last configurations of an episode that diverged become a slow video, and damage is told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stage_calls import replay
from support import read_video

from mimicrl.envs.task import Task
from mimicrl.errors import ArtifactError
from mimicrl.evaluation import dump as dump_module
from mimicrl.mdp.reset import reference_state
from mimicrl.rendering.film import VideoOptions
from mimicrl.runs import Run

SMALL = VideoOptions(width=64, height=48, fps=10.0)
ROWS = 6
# Ten times slower than 50 steps a second, at ten pictures a second.
PICTURES_A_ROW = 2


@pytest.fixture
def qpos(run_directory: Run) -> np.ndarray:
    """Configurations of the run's walker on its way, shape ``(T, nq)``."""
    task = Task.of_run(run_directory)
    return reference_state(task.walker, task.reference.at_phase(np.linspace(0, 0.3, ROWS)))[0]


@pytest.fixture
def dump(run_directory: Run, qpos: np.ndarray) -> Path:
    path = run_directory.training.divergences_directory / "000000000128-environment-3.npy"
    path.parent.mkdir(parents=True)
    np.save(path, qpos)
    return path


def test_a_dump_becomes_a_slow_video_that_counts_the_steps_down(
    run_directory: Run, dump: Path, told: list[tuple[str, ...]]
) -> None:
    path = replay(run_directory, dump=dump, settings=SMALL)
    assert path == run_directory.path / "videos" / "000000000128-environment-3.mp4"
    about, frames = read_video(path)
    assert about["fps"] == 10
    assert frames.shape == (PICTURES_A_ROW * ROWS, 48, 64, 3)
    assert len({frame.tobytes() for frame in frames}) > ROWS
    assert {title for title, _ in told} == {"tiny / walk, seed 1"}
    left = [int(words.partition(" step")[0]) for _, words in told]
    assert [words for _, words in told[-2:]] == ["1 step before the end", "0 steps before the end"]
    assert left == sorted(left, reverse=True)
    assert (left[0], left[-1]) == (ROWS - 1, 0)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_configurations_that_cannot_be_drawn_are_left_out(
    run_directory: Run, dump: Path, qpos: np.ndarray, bad: float
) -> None:
    qpos[-1, 7] = qpos[-2, 0] = bad
    np.save(dump, qpos)
    frames = read_video(replay(run_directory, dump=dump, settings=SMALL))[1]
    assert len(frames) == PICTURES_A_ROW * (ROWS - 2)


def test_a_single_configuration_is_a_still(
    run_directory: Run, dump: Path, qpos: np.ndarray, told: list[tuple[str, ...]]
) -> None:
    np.save(dump, qpos[:1])
    frames = read_video(replay(run_directory, dump=dump, settings=SMALL))[1]
    assert len(frames) == len(told) == 2 * PICTURES_A_ROW
    assert {words for _, words in told} == {"0 steps before the end"}
    assert np.abs(frames - frames[0].astype(int)).max() < 8, "but for the video's compression"


def save(array: np.ndarray) -> Callable[[Path], None]:
    return lambda path: np.save(path, array, allow_pickle=True)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (Path.unlink, r"^a dump cannot be read — .*environment-3\.npy — got .*No such file"),
        (lambda path: path.write_bytes(b""), r"^a dump cannot be read — "),
        (lambda path: path.write_bytes(b"PK\x03\x04"), r"^a dump cannot be read — "),
        (lambda path: path.write_bytes(path.read_bytes()[:-9]), r"^a dump cannot be read — "),
        (save(np.array([{"a": 1}], object)), r"^a dump cannot be read — .*allow_pickle=False"),
        (save(np.zeros((5, 14))), r"^a dump of another walker — .* — got \(5, 14\), expected \(steps, 15\)$"),
        (save(np.zeros(15)), r"^a dump of another walker — .* — got \(15,\), expected \(steps, 15\)$"),
        (save(np.zeros((5, 15), "U3")), r"^a dump of another walker — "),
        (save(np.full((5, 15), np.nan)), r"^nothing in the dump can be drawn — .* — got no finite configuration$"),
        (save(np.zeros((0, 15))), r"^nothing in the dump can be drawn — .* — got no finite configuration$"),
    ],
)
def test_a_damaged_dump_is_told(run_directory: Run, dump: Path, damage: Callable[[Path], None], message: str) -> None:
    damage(dump)
    with pytest.raises(ArtifactError, match=message):
        replay(run_directory, dump=dump, settings=SMALL)
    assert not (run_directory.path / "videos").exists()


HEADERS = [
    b"{'descr': '<f8', 'fortran_order': False, 'shape': (2, 15), }",
    b"{'descr': '<f8', 'fortran_order': False, 'shape': (2, 15",  # a bracket without an end
    b"{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999999999999, 15), }",
    b"{'descr': '|V99999999999', 'fortran_order': True, 'shape': (-1,), }",
    b"{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (2, 15), }",
    b"{'descr': '<f8', 'shape': 2L}",
]


@st.composite
def foreign_dumps(draw: st.DrawFn) -> bytes:
    """NumPy files whose header someone has edited, and anything else."""
    header = bytearray(draw(st.sampled_from(HEADERS)))
    for place, byte in draw(st.lists(st.tuples(st.integers(0, len(header) - 1), st.integers(0, 255)), max_size=3)):
        header[place] = byte
    header = header[: draw(st.integers(0, len(header)))] if draw(st.booleans()) else header
    version = draw(st.sampled_from([b"\x01\x00", b"\x02\x00", b"\x03\x00", b"\x09\x00"]))
    length = len(header).to_bytes(2 if version[0] == 1 else 4, "little")
    content = draw(st.binary(max_size=64)) + draw(st.sampled_from([b"", 30 * 8 * b"\x00"]))
    return draw(st.sampled_from([b"\x93NUMPY" + version + length + header + content, content]))


@pytest.mark.fault(14)
@settings(max_examples=400)
@given(content=foreign_dumps())
def test_whatever_a_foreign_dump_holds_it_is_read_or_told(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "foreign.npy"
    path.write_bytes(content)
    try:
        rows = dump_module._read(path, 15)
    except ArtifactError as error:
        assert error.where == str(path)
    else:
        assert rows.shape[1] == 15
        assert np.isfinite(rows).all()

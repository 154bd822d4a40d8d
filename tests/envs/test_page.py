"""The environment's page is the one its code makes."""

from pathlib import Path

from mimicrl.envs.page import environment_page

PAGE = Path(__file__).resolve().parents[2] / "docs" / "environment.md"


def test_committed_page_is_the_generated_one():
    assert PAGE.read_text(encoding="utf-8") == environment_page(), "run make format"


def test_page_lists_every_observation_and_action_with_its_joint(walker):
    page = environment_page()
    for joint in walker.joint_names:
        assert page.count(f"| {joint} |") == 3  # angle, velocity, action

"""The JSON schemas for editors follow the models."""

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from mimicrl import yaml
from mimicrl.config.schema import schemas

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("name", schemas())
def test_committed_schema_is_the_generated_one(name):
    committed = (ROOT / "workflow" / "schemas" / name).read_text(encoding="utf-8")
    assert committed == schemas()[name], "run make format"


@pytest.mark.parametrize("name", schemas())
def test_schema_is_a_schema(name):
    Draft202012Validator.check_schema(json.loads(schemas()[name]))


@pytest.mark.parametrize("study", sorted(ROOT.glob("configs/*.yaml")), ids=lambda path: path.name)
def test_shipped_studies_fit_the_schema(study):
    data, _ = yaml.load(study)
    Draft202012Validator(json.loads(schemas()["study.schema.json"])).validate(data)


@pytest.mark.parametrize("preset", sorted(ROOT.glob("configs/experiments/*.yaml")), ids=lambda path: path.name)
def test_shipped_presets_fit_the_schema(preset):
    data, _ = yaml.load(preset)
    Draft202012Validator(json.loads(schemas()["experiment.schema.json"])).validate(data)


def test_unknown_keys_do_not_fit_the_schema():
    data = {"study": "x", "experiments": {"walk": {"trainin": {}}}}
    assert list(Draft202012Validator(json.loads(schemas()["study.schema.json"])).iter_errors(data))

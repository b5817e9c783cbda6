"""What each cloud's request becomes: every field honoured, kept, or refused by name, all problems at once."""

from copy import deepcopy
from typing import Any

import pytest
from pydantic import ValidationError

from api.clouds.bedrock import translation as bedrock
from api.clouds.bedrock.wire import NewModelCustomizationJob
from api.clouds.students import STUDENTS, name_of
from api.clouds.told import named, theirs
from api.clouds.vertex import translation as vertex
from api.clouds.vertex.wire import NewTuningJob
from spec.errors import parse, problems_of
from spec.facts import ColumnFacts, Roles
from spec.problem import Refused
from spec.rules import problems
from tests.clouds.requests import PAGE, leaves, requests
from tests.spec.builders import dataset, endpoint, facts, names, split

BEDROCK, VERTEX = requests("file-1")
PARENT = "projects/p/locations/l"
TEACHER = "customizationConfig.distillationConfig.teacherModelConfig"


def changed(document: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """With values by path; None takes a field out."""
    made = deepcopy(document)
    for path, value in changes.items():
        *parents, last = path.split(".")
        place = made
        for step in parents:
            place = place.setdefault(step, {})
        if value is None:
            place.pop(last)
        else:
            place[last] = value
    return made


def of_bedrock(changes: dict[str, Any] | None = None) -> dict[str, Any]:
    made = bedrock.to_distillation(NewModelCustomizationJob.model_validate(changed(BEDROCK.ours, changes or {})))
    parse(made)
    return made


def of_vertex(changes: dict[str, Any] | None = None) -> dict[str, Any]:
    made = vertex.to_distillation(NewTuningJob.model_validate(changed(VERTEX.ours, changes or {})), PARENT)
    parse(made)
    return made


def refused(translate: Any, changes: dict[str, Any]) -> list[tuple[str | None, str]]:
    """(place in their request, code) of each problem."""
    try:
        translate(changes)
    except Refused as refusal:
        return [(problem.param, problem.code) for problem in refusal.problems]
    except ValidationError as error:
        model = NewModelCustomizationJob if translate is of_bedrock else NewTuningJob
        return [(problem.param, problem.code) for problem in problems_of(error, model)]
    return []


@pytest.mark.parametrize(("pair", "names"), [(BEDROCK, 3), (VERTEX, 3)])
def test_only_the_names_of_teacher_student_and_file_change(pair: Any, names: int) -> None:
    theirs, ours = leaves(pair.theirs), leaves(pair.ours)
    assert theirs.keys() == ours.keys()
    assert sum(theirs[path] != ours[path] for path in theirs) == names


def test_what_bedrock_says_in_our_words() -> None:
    assert of_bedrock() == {
        "name": "sort-mail-1",
        "teacher": {"models": ["ep_words/words"]},
        "data": {
            "train": "file-1",
            "responses": {
                "type": "teacher",
                "prompt": {"examples": "auto"},
                "sampling": {"temperature": 0.0, "max_tokens": 8},
            },
        },
        "student": {"type": "text_classifier", "width": 16},
        "objective": [{"type": "soft_targets"}],
        "training": {"epochs": 20},
        "metadata": {
            "team": "mail",
            "bedrock.roleArn": "arn:aws:iam::123456789012:role/Distill",
            "bedrock.outputDataConfig": "s3://my-bucket/output/",
        },
    }


def test_both_say_the_same_job() -> None:
    said, other = of_bedrock(), of_vertex()
    del said["data"]["responses"]["sampling"]["max_tokens"]
    assert other["training"].pop("learning_rate") == 5e-3
    for made in (said, other):
        del made["name"], made["metadata"]
    assert said == other


HONOURED: list[tuple[Any, dict[str, Any], dict[str, Any]]] = [
    (of_bedrock, {"hyperParameters": {"batchSize": "32", "learningRate": "0.01"}}, {"batch_size": 32, "learning_rate": 0.01}),
    (of_bedrock, {"hyperParameters": {"learningRateMultiplier": "2"}}, {"learning_rate": 0.01}),
    (of_vertex, {"distillationSpec.hyperParameters": {"epochCount": 3}}, {"epochs": 3}),
    (
        of_vertex,
        {"distillationSpec.studentModel": "text-encoder-2x128", "distillationSpec.hyperParameters.epochCount": None},
        {"learning_rate": 1e-3},
    ),
]  # fmt: skip


@pytest.mark.parametrize(("translate", "changes", "training"), HONOURED)
def test_hyperparameters(translate: Any, changes: dict[str, Any], training: dict[str, Any]) -> None:
    assert translate(changes)["training"] == training


def test_a_model_that_is_held_here_scores() -> None:
    made = of_bedrock({f"{TEACHER}.teacherModelIdentifier": "mdl_1", f"{TEACHER}.maxResponseLengthForInference": None})
    assert made["teacher"] == {"models": ["mdl_1"]} and made["data"] == {"train": "file-1"}
    tuned = {
        "distillationSpec.baseTeacherModel": None,
        "distillationSpec.tunedTeacherModelSource": f"{PARENT}/models/mdl_1",
    }
    assert of_vertex(tuned)["teacher"] == {"models": ["mdl_1"]}


def test_held_out_rows_newer_names_and_addresses_of_ours() -> None:
    validators = {"validationDataConfig": {"validators": [{"s3Uri": "s3://stillhouse/ds_1/test"}]}}
    assert of_bedrock(validators)["data"]["heldout"] == "ds_1/test"
    newer = {
        "baseModel": "text-classifier-64",
        "distillationSpec.studentModel": None,
        "distillationSpec.trainingDatasetUri": None,
        "distillationSpec.promptDatasetUri": "ds_1",
        "distillationSpec.validationDatasetUri": "file-2",
    }
    made = of_vertex(newer)
    assert (made["data"]["train"], made["data"]["heldout"], made["student"]["width"]) == ("ds_1", "file-2", 64)


def test_terms_and_a_cap_are_said_by_tags() -> None:
    tags = [{"key": "stillhouse_accept_terms", "value": "true"}, {"key": "stillhouse_usd", "value": "20"}]
    made = of_bedrock({"jobTags": tags})
    assert made["teacher"]["accept_terms"] is True and made["budget"] == {"usd": 20}
    assert of_vertex({"labels": {"stillhouse_usd": "0.5"}})["budget"] == {"usd": 0.5}


REFUSED: list[tuple[Any, dict[str, Any], list[tuple[str, str]]]] = [
    (of_bedrock, {"customizationType": None}, [("customizationType", "invalid_value")]),
    (of_bedrock, {"customizationType": "FINE_TUNING"}, [("customizationType", "invalid_value")]),
    (of_bedrock, {"baseModelIdentifier": "amazon.nova-micro-v1:0"}, [("baseModelIdentifier", "unknown_student")]),
    (of_bedrock, {"trainingDataConfig.s3Uri": "s3://my-bucket/train.jsonl"}, [("trainingDataConfig.s3Uri", "foreign_bucket")]),
    (of_bedrock, {"trainingDataConfig.s3Uri": "train.jsonl"}, [("trainingDataConfig.s3Uri", "invalid_value")]),
    (of_bedrock, {"customModelKmsKeyId": "k"}, [("customModelKmsKeyId", "unsupported_field")]),
    (of_bedrock, {"vpcConfig": {"subnetIds": []}}, [("vpcConfig", "unsupported_field")]),
    (of_bedrock, {"customizationConfig.rftConfig": {}}, [("customizationConfig.rftConfig", "unsupported_field")]),
    (of_bedrock, {"trainingDataConfig.invocationLogsConfig": {}}, [("trainingDataConfig.invocationLogsConfig", "unsupported_field")]),
    (of_bedrock, {"validationDataConfig": {"validators": [{"s3Uri": "file-1"}, {"s3Uri": "file-2"}]}}, [("validationDataConfig.validators", "invalid_value")]),
    (of_bedrock, {"hyperParameters": {"learningRateWarmupSteps": "0"}}, [("hyperParameters.learningRateWarmupSteps", "unknown_field")]),
    (of_bedrock, {"hyperParameters": {"epochCount": "many"}}, [("hyperParameters.epochCount", "invalid_value")]),
    (of_bedrock, {"hyperParameters": {"learningRate": "1", "learningRateMultiplier": "1"}}, [("hyperParameters.learningRateMultiplier", "invalid_value")]),
    (of_bedrock, {f"{TEACHER}.teacherModelIdentifier": "mdl_1"}, [(f"{TEACHER}.maxResponseLengthForInference", "changes_nothing")]),
    (of_bedrock, {"jobTags": [{"key": "stillhouse_dollars", "value": "1"}]}, [("jobTags", "unknown_field")]),
    (of_bedrock, {"jobTags": [{"key": "stillhouse_accept_terms", "value": "yes"}]}, [("jobTags", "invalid_value")]),
    (of_bedrock, {"jobTags": [{"key": "bedrock.roleArn", "value": "x"}]}, [("jobTags", "invalid_value")]),
    (of_bedrock, {"jobTags": [{"key": "a", "value": "x"}, {"key": "a", "value": "y"}]}, [("jobTags", "invalid_value")]),
    (of_bedrock, {"jobTags": [{"key": str(i), "value": ""} for i in range(15)]}, [("jobTags", "invalid_value")]),
    (of_bedrock, {"roleArn": None}, [("roleArn", "required")]),
    (of_bedrock, {"priority": 1}, [("priority", "unknown_field")]),
    (of_vertex, {"distillationSpec.studentModel": None}, [("distillationSpec.studentModel", "required")]),
    (of_vertex, {"baseModel": "text-classifier-16"}, [("distillationSpec.studentModel", "invalid_value")]),
    (of_vertex, {"distillationSpec.trainingDatasetUri": "gs://my-bucket/x"}, [("distillationSpec.trainingDatasetUri", "foreign_bucket")]),
    (of_vertex, {"distillationSpec.hyperParameters.adapterSize": "ADAPTER_SIZE_ONE"}, [("distillationSpec.hyperParameters.adapterSize", "unsupported_field")]),
    (of_vertex, {"encryptionSpec": {}}, [("encryptionSpec", "unsupported_field")]),
    (of_vertex, {"distillationSpec.baseTeacherModel": None, "distillationSpec.tunedTeacherModelSource": "ep_x/y"}, [("distillationSpec.tunedTeacherModelSource", "invalid_value")]),
    (of_vertex, {"labels": {"vertex.parent": "x"}}, [("labels", "invalid_value")]),
    (of_vertex, {"labels": {"stillhouse_usd": "much"}}, [("labels", "invalid_value")]),
    (of_vertex, {"tuningTask": "x"}, [("tuningTask", "unknown_field")]),
]  # fmt: skip


@pytest.mark.parametrize(("translate", "changes", "found"), REFUSED, ids=[str(i) for i in range(len(REFUSED))])
def test_what_is_refused(translate: Any, changes: dict[str, Any], found: list[tuple[str, str]]) -> None:
    assert refused(translate, changes) == found


def test_all_problems_at_once_with_the_nearest_name() -> None:
    with pytest.raises(Refused) as caught:
        of_bedrock(
            {"baseModelIdentifier": "text-clasifier-64", "vpcConfig": {}, "trainingDataConfig.s3Uri": "s3://b/x"}
            | {"hyperParameters": {"epochs": "1"}}
        )
    hints = [problem.hint for problem in caught.value.problems]
    assert len(hints) == 4 and 'Did you mean "text-classifier-64"?' in hints
    assert any("Upload the file first" in (hint or "") for hint in hints)


def test_prompts_without_a_golden_example_are_refused_with_what_to_do() -> None:
    columns = {"prompt": ColumnFacts(kind="text", dtype="str"), "response": names(())}
    roles = Roles(input="prompt", label="response")
    rows = dataset({"train": split("train", 100, labels={})}, columns, roles, overlaps={})
    found = problems(parse(of_bedrock()), facts(datasets={"file-1": rows}, endpoints={"ep_words": endpoint(models=())}))
    told = theirs(Refused(*found), named(bedrock.PLACES, "auto")).problems
    assert {problem.code for problem in told} == {"heldout_labels", "classes_unknown"}
    assert all("Give more of the conversations a response" in (problem.hint or "") for problem in told)
    assert {problem.param for problem in told} == {"trainingDataConfig.s3Uri"}


def test_students_have_their_own_names_and_stand_in_the_page() -> None:
    assert {name: name_of(student.model_copy()) for name, student in STUDENTS.items()} == {
        name: name for name in STUDENTS
    }
    assert all(f"| `{name}` |" in PAGE for name in STUDENTS)

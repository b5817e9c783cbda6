"""Jobs that are refused at once, each with all its problems: changes of the digits job, in which `{dataset}` and the like stand for ids."""

from typing import Any

from tests.acceptance.bad import told
from tests.spec.builders import ABSENT

Problems = list[dict[str, Any]]
# fmt: off
SPECS: dict[str, tuple[dict[str, Any], Problems]] = {
    "temperature 0": ({"objective.0.temperature": 0}, [
        told("invalid_value", "objective[0].temperature must be a number over 0 and at most 1,000,000, not 0.", param="objective[0].temperature")
    ]),
    "a number as text": ({"objective.0.temperature": "4"}, [
        told("invalid_value", 'objective[0].temperature must be a number over 0 and at most 1,000,000, not "4".', param="objective[0].temperature")
    ]),
    "a truth as number": ({"training.seed": True}, [
        told("invalid_value", "training.seed must be a whole number at least 0 and under 2^63, not true.", param="training.seed")
    ]),
    "a seed beyond 64 bits": ({"training.seed": 10**30}, [
        told("invalid_value", "training.seed must be a whole number at least 0 and under 2^63, not 1000000000000000000000000000000.", param="training.seed")
    ]),
    "no name": ({"name": ABSENT}, [
        told("required", "name is missing.", hint="It is text of 1 to 64 characters.", param="name")
    ]),
    "a NUL in a name": ({"name": "a\x00b"}, [
        told("invalid_value", "name must be text of 1 to 64 characters, not text with the character NUL.", param="name")
    ]),
    "half a character": ({"name": "\ud800"}, [
        told("invalid_value", "name must be text of 1 to 64 characters, not text with half a character.", param="name")
    ]),
    "no terms": ({"objective": []}, [
        told("invalid_value", "objective must be a list of 1 to 8 items, not a list of 0.", param="objective")
    ]),
    "a misspelt field": ({"student.chanels": [8]}, [
        told("unknown_field", 'student has no field "chanels".', hint='Did you mean "channels"?', param="student.chanels")
    ]),
    "a field of another part": ({"data.temperature": 4}, [
        told("unknown_field", 'data has no field "temperature".', hint="temperature belongs to data.responses.sampling.temperature (teacher) and data.responses.keep[].sampling.temperature (judge) and data.synthesise.sampling.temperature and objective[].temperature (soft_targets).", param="data.temperature")
    ]),
    "an unknown architecture": ({"student.type": "convent"}, [
        told("unknown_type", 'student.type must be "mlp", "convnet", "text_classifier", or "text_encoder", not "convent".', hint='Did you mean "convnet"?', param="student.type")
    ]),
    "no architecture": ({"student.type": ABSENT}, [
        told("required", "student.type is missing.", hint='It is "mlp", "convnet", "text_classifier", or "text_encoder".', param="student.type")
    ]),
    "an id that is none": ({"teacher.models": ["gpt-4"]}, [
        told("invalid_value", 'teacher.models[0] must be the id of a model (mdl_…), or ep_name/model behind an endpoint, not "gpt-4".', param="teacher.models[0]")
    ]),
    "a model that nobody has": ({"teacher.models": ["mdl_0"]}, [
        told("not_found", "There is no mdl_0 in this project.", param="teacher.models[0]")
    ]),
    "a file that nobody has": ({"data.train": "file-0"}, [
        told("not_found", "There is no file-0 in this project.", param="data.train")
    ]),
    "too many pairs": ({"metadata": {str(i): "" for i in range(17)}}, [
        told("invalid_value", "metadata must be an object of at most 16 fields, not an object of 17.", param="metadata")
    ]),
    "epochs and steps": ({"training.epochs": 1.0}, [
        told("epochs_and_steps", "training has both epochs and steps; give one of the two.", param="training.steps")
    ]),
    "weights without models": ({"teacher.weights": [1.0, 1.0]}, [
        told("weights_count", "There are 2 weights for 1 models.", param="teacher.weights")
    ]),
    "neither models nor signals": ({"teacher.models": []}, [
        told("teacher_source", "The teacher names neither models nor signals; name one of the two.", param="teacher")
    ]),
    "a teacher for nothing": ({"objective": [{"type": "labels"}]}, [
        told("teacher_unused", "No term of the objective asks the teacher.", hint="Add a soft_targets term, or leave the teacher out.", param="teacher")
    ]),
    "soft targets of nobody": ({"teacher": None, "evaluation.baselines": []}, [
        told("teacher_missing", "soft_targets needs a teacher, and the job names none.", hint="Name teacher.models or teacher.signals, or train on labels alone.", param="objective[0]")
    ]),
    "a column that is not there": ({"data.columns": {"label": "lable"}}, [
        told("no_such_column", '{dataset}/train has no column "lable".', hint='Did you mean "label"?', param="data.columns.label"),
        told("no_such_column", '{dataset}/test has no column "lable".', hint='Did you mean "label"?', param="data.columns.label")
    ]),
    "a split that is not there": ({"data.heldout": "{dataset}/tset"}, [
        told("no_such_split", '{dataset} has no split "tset".', hint='Did you mean "test"?', param="data.heldout")
    ]),
    "somebody else's training rows": ({"data.train": "{their_dataset}/train"}, [
        told("not_found", "There is no {their_dataset} in this project.", param="data.train")
    ]),
    "somebody else's file": ({"data.train": "{their_file}", "data.heldout": 0.1}, [
        told("not_found", "There is no {their_file} in this project.", param="data.train")
    ]),
    "somebody else's held-out rows": ({"data.heldout": "{their_dataset}/test"}, [
        told("not_found", "There is no {their_dataset} in this project.", param="data.heldout")
    ]),
    "somebody else's validation rows": ({"data.validation": "{their_dataset}"}, [
        told("not_found", "There is no {their_dataset} in this project.", param="data.validation"),
        told("changes_nothing", "data.validation changes nothing here: nothing is chosen by validation rows.", hint="Set training.select to best or training.bias_correction, or leave it out.", param="data.validation")
    ]),
    "somebody else's teacher": ({"teacher.models": ["{their_teacher}"]}, [
        told("not_found", "There is no {their_teacher} in this project.", param="teacher.models[0]")
    ]),
    "somebody else's tokenizer": ({"student": {"type": "text_encoder", "width": 8, "tokenizer": "{their_file}"}}, [
        told("not_found", "There is no {their_file} in this project.", param="student.tokenizer"),
        told("input_kind", 'Column "image" holds image values; text_encoder takes texts.', param="data.columns.input")
    ]),
    "a tokenizer that is no file": ({"student": {"type": "text_encoder", "width": 8, "tokenizer": "bert-base-uncased"}}, [
        told("invalid_value", 'student.tokenizer must be the id of a file (file-…), or its sha256, or null, not "bert-base-uncased".', param="student.tokenizer")
    ]),
    "somebody else's signals": ({"teacher.models": [], "teacher.signals": "{their_dataset}"}, [
        told("not_found", "There is no {their_dataset} in this project.", param="teacher.signals")
    ]),
    "a teacher of another shape": ({"teacher.models": ["{large_teacher}"]}, [
        told("shape_mismatch", "{large_teacher} takes inputs of shape (28, 28), the rows have (8, 8).", param="teacher.models[0]")
    ]),
    "labels that the teacher does not know": ({"data.train": "{eleven_classes}", "data.heldout": 0.1}, [
        told("unknown_label", '{eleven_classes}/train has the label "ten", which is no class of the teacher.', hint='There is "0", "1", "2", "3", "4", "5", "6", "7", "8", "9".', param="data.train")
    ]),
    "rows of the report among the rows that are learned": ({"data.heldout": "{dataset}/train"}, [
        told("overlap", "100 of 100 rows of {dataset}/train (heldout) are among those of {dataset}/train (train).", hint="Take them out, or set data.allow_overlap, and the report will say so.", param="data.heldout")
    ]),
}
# fmt: on

"""Requests that are refused for themselves, each with all its problems."""

from dataclasses import dataclass
from typing import Any

from tests.acceptance.bad import told


@dataclass(frozen=True)
class Bad:
    """A POST of `body`, or a GET without one."""

    path: str
    problems: list[dict[str, Any]]
    body: bytes | dict[str, Any] | None = None
    status: int = 400


# fmt: off
REQUESTS: dict[str, Bad] = {
    "half an object": Bad("/v1/distillations", [
        told("invalid_json", "The body is not JSON: Expecting property name enclosed in double quotes at character 1.")
    ], b"{"),
    "nothing": Bad("/v1/distillations", [
        told("invalid_json", "The body is not JSON: Expecting value at character 0.")
    ], b""),
    "a list": Bad("/v1/distillations", [
        told("not_an_object", "The body must be a JSON object.", hint="Send JSON, with the header Content-Type: application/json.")
    ], b"[]"),
    "a number": Bad("/v1/distillations", [
        told("not_an_object", "The body must be a JSON object.", hint="Send JSON, with the header Content-Type: application/json.")
    ], b"7"),
    "bytes that are no UTF-8": Bad("/v1/distillations", [
        told("invalid_json", "The body is not JSON: byte 10 is no UTF-8.")
    ], b'{"name": "\xff"}'),
    "100,000 brackets": Bad("/v1/distillations", [
        told("invalid_json", "The body is not JSON: it is nested too deeply.")
    ], b"[" * 100_000),
    "a number of 5,000 digits": Bad("/v1/distillations", [
        told("invalid_json", "The body is not JSON: a number in it has more than 4,300 digits.")
    ], b'{"name": ' + b"9" * 5_000 + b"}"),
    "bytes that are no UTF-8, of a dataset": Bad("/v1/datasets", [
        told("invalid_json", "The body is not JSON: byte 10 is no UTF-8.")
    ], b'{"name": "\xff"}'),
    "three megabytes": Bad("/v1/distillations", [
        told("too_large", "The body is larger than the 2097152 bytes allowed here.")
    ], b'{"name": "' + b"x" * 3_000_000 + b'"}', status=413),
    "no files": Bad("/v1/datasets", [
        told("required", "files is missing.", hint="It is a list of 1 to 64 items.", param="files")
    ], {}),
    "an empty list of files": Bad("/v1/datasets", [
        told("invalid_value", "files must be a list of 1 to 64 items, not a list of 0.", param="files")
    ], {"files": []}),
    "another kind of id": Bad("/v1/datasets", [
        told("invalid_value", 'files[0] must be the id of a file (file-…) or an object with file, split, and column, not "ds_1".', param="files[0]")
    ], {"files": ["ds_1"]}),
    "a misspelt list of files": Bad("/v1/datasets", [
        told("unknown_field", 'The body has no field "file".', hint='Did you mean "files"? file belongs to files[].file.', param="file")
    ], {"file": ["file-1"], "files": ["file-1"]}),
    "a misspelt column of a file": Bad("/v1/datasets", [
        told("unknown_field", 'files[0] has no field "colum".', hint='Did you mean "column"? It belongs to files[].column.', param="files[0].colum")
    ], {"files": [{"file": "file-1", "colum": "x"}]}),
    "a split that ends where nothing is": Bad("/v1/datasets", [
        told("invalid_value", "splits.train[1] must be a whole number at least 1, not 0.", param="splits.train[1]")
    ], {"files": ["file-1"], "splits": {"train": [5, 0]}}),
    "a split with a bad name": Bad("/v1/datasets", [
        told("invalid_value", 'splits["../x"] must be a name of 1 to 64 letters, digits, or any of _.-, not "../x".', param='splits["../x"]')
    ], {"files": ["file-1"], "splits": {"../x": [0, 5]}}),
    "a misspelt role": Bad("/v1/datasets", [
        told("unknown_field", 'columns has no field "inptu".', hint='Did you mean "input"?', param="columns.inptu")
    ], {"files": ["file-1"], "columns": {"inptu": "x"}}),
    "an architecture of nobody": Bad("/v1/models", [
        told("unknown_type", 'architecture.type must be "mlp", "convnet", "text_classifier", or "text_encoder", not "resnet".', param="architecture.type")
    ], {"files": ["file-1"], "architecture": {"type": "resnet"}}),
    "a misspelt size": Bad("/v1/models", [
        told("required", "architecture.hidden_sizes is missing.", hint="It is a list of 1 to 16 items.", param="architecture.hidden_sizes"),
        told("unknown_field", 'architecture has no field "hiden_sizes".', hint='Did you mean "hidden_sizes"?', param="architecture.hiden_sizes")
    ], {"files": ["file-1"], "architecture": {"type": "mlp", "hiden_sizes": [4]}}),
    "a shape of nothing": Bad("/v1/models", [
        told("invalid_value", "signature.input.shape[0] must be a whole number from 1 to 1,000,000, not 0.", param="signature.input.shape[0]"),
        told("required", "signature.output.classes is missing.", hint="It is a list of 2 to 65536 items.", param="signature.output.classes")
    ], {"files": ["file-1"], "signature": {"input": {"kind": "image", "shape": [0]}, "output": {"kind": "classes"}}}),
    "a number that JSON does not have": Bad("/v1/models", [
        told("invalid_value", "signature.input.scale must be a number or a list of 1 to 4096 items, not nan.", param="signature.input.scale"),
        told("required", "signature.output is missing.", hint="It is an object with kind, classes, and scores.", param="signature.output")
    ], b'{"files": ["file-1"], "signature": {"input": {"kind": "image", "shape": [8], "scale": NaN}}}'),
    "GET distillations?limit=0": Bad("/v1/distillations?limit=0", [
        told("invalid_value", "limit: Input should be greater than or equal to 1.", param="limit")
    ]),
    "GET distillations?limit=x": Bad("/v1/distillations?limit=x", [
        told("invalid_value", "limit: Input should be a valid integer, unable to parse string as an integer.", param="limit")
    ]),
    "GET distillations?order=up": Bad("/v1/distillations?order=up", [
        told("invalid_value", "order: Input should be 'asc' or 'desc'.", param="order")
    ]),
    "GET distillations?state=done": Bad("/v1/distillations?state=done", [
        told("invalid_value", "state: Input should be 'queued', 'running', 'paused', 'succeeded', 'failed' or 'cancelled'.", param="state")
    ]),
    "GET distillations?stat=failed": Bad("/v1/distillations?stat=failed&limit=5", [
        told("unknown_field", 'The query has no parameter "stat" here.', hint='Did you mean "state"?', param="stat")
    ]),
    "GET distillations?metadata[team": Bad("/v1/distillations?metadata[team=x", [
        told("unknown_field", 'The query has no parameter "metadata[team" here.', hint='Did you mean "metadata[…]"?', param="metadata[team")
    ]),
    "GET workers?limt=1&x=2": Bad("/v1/workers?limt=1&x=2", [
        told("unknown_field", 'The query has no parameter "limt" here.', hint='Did you mean "limit"?', param="limt"),
        told("unknown_field", 'The query has no parameter "x" here.', hint='There is "limit", "after", "order".', param="x")
    ]),
    "GET models?limit=1001": Bad("/v1/models?limit=1001", [
        told("invalid_value", "limit: Input should be less than or equal to 1000.", param="limit")
    ]),
    "GET datasets?limit=101": Bad("/v1/datasets?limit=101", [
        told("invalid_value", "limit: Input should be less than or equal to 100.", param="limit")
    ]),
    "GET datasets/ds_0/preview?limit=0": Bad("/v1/datasets/ds_0/preview?limit=0", [
        told("invalid_value", "limit: Input should be greater than or equal to 1.", param="limit")
    ]),
}
# fmt: on
ZERO = [
    "/v1/datasets/a%00b",
    "/v1/models/a%00b",
    "/v1/distillations/a%00b",
    "/v1/distillations?after=a%00b",
    "/v1/distillations?metadata[a]=%00",
    "/v1/distillations?metadata[%00]=a",
]
REQUESTS |= {
    f"a zero byte in {path}": Bad(path, [told("invalid_value", "The address holds a zero byte.")]) for path in ZERO
}

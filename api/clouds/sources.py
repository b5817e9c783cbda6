"""Where rows are: ids of ours, alone or as the path of a bucket called `stillhouse`."""

import re

from pydantic import TypeAdapter, ValidationError

from spec.problem import Problem, Refused
from spec.teacher import DatasetId

BUCKET = "stillhouse"
ADDRESS = re.compile(r"(s3|gs)://([^/]*)/?(.*)")
IDS: TypeAdapter[str] = TypeAdapter(DatasetId)
UPLOAD = "Upload the file first (POST /v1/files) and name its id, file-… (or ds_…, of a dataset)."


def source(uri: str, param: str) -> str:
    """`file-x`, `ds_x` or `ds_x/split` of such an id, or of `s3://stillhouse/file-x`, `gs://stillhouse/file-x`.

    Raises Refused: `foreign_bucket`, or `invalid_value`.
    """
    found = ADDRESS.fullmatch(uri)
    if found and found[2] != BUCKET:
        message = f"No bucket of {'Amazon S3' if found[1] == 's3' else 'Google Cloud Storage'} is read from here: {uri[:80]!r}."
        raise Refused(Problem(code="foreign_bucket", message=message, param=param, hint=UPLOAD))
    id = found[3] if found else uri
    try:
        return IDS.validate_python(id)
    except ValidationError:
        message = f"{param} must be the id of a file or a dataset, not {uri[:80]!r}."
        raise Refused(Problem(code="invalid_value", message=message, param=param, hint=UPLOAD)) from None

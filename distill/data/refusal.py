"""Refusals of a file as a whole: each code once, with what to do."""

from spec.problem import Problem, Refused

CONVERT_ROWS = "Datasets are Parquet, JSONL, CSV, NPZ or IDX files, also gzipped."
CONVERT_PICKLE = (
    "Pickles can run code and are never opened. Rows: np.savez('rows.npz', x=x, y=y). "
    "Weights: safetensors.torch.save_file(model.state_dict(), 'model.safetensors')."
)


def refuse(code: str, file: str, message: str, hint: str | None = None, line: int | None = None) -> Refused:
    """A problem of one uploaded file, to be raised."""
    return Refused(Problem(code=code, message=f"{file}: {message}", hint=hint, file=file, line=line))


def empty(file: str) -> Refused:
    return refuse("empty_file", file, "the file is empty.", "Upload it again; a copy may have been cut short.")


def pickled(file: str) -> Refused:
    return refuse("pickle_refused", file, "this is a Python pickle.", CONVERT_PICKLE)


def unknown(file: str, what: str) -> Refused:
    return refuse("unknown_format", file, f"{what} is not a format of datasets.", CONVERT_ROWS)


def damaged(file: str, reason: str) -> Refused:
    return refuse("damaged_file", file, f"it cannot be read to its end ({reason}).", "Write or upload it again.")


def bomb(file: str) -> Refused:
    message = "it unpacks to more than a hundred times its size."
    return refuse("unpacks_too_large", file, message, "Upload it unpacked, or as Parquet.")

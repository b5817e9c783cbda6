"""README.md of a delivered student: what it is, how good it is, what it was made from, how to load it."""

import re
from typing import Any

from distill.report.figures import Report
from distill.report.numbers import count, interval, level, metric, size
from distill.report.provenance import terms
from distill.report.roles import role, shown
from spec.facts import Signature

LOADING = """## How to load it

With torch and safetensors alone:

```python
from load import load
model = load(".")
classes, probabilities = model.predict(rows)
```

With ONNX Runtime, without torch:

```python
import onnxruntime
session = onnxruntime.InferenceSession("model.onnx")
logits, = session.run(None, {"input": rows})
```"""
LOADING_TEXT = """## How to load it

With numpy and safetensors alone:

```python
from load import load
model = load(".")
classes, probabilities = model.predict(["a text", "another one"])
```

With ONNX Runtime: the graph takes the bucket numbers of a text's n-grams, which `load.py` makes and describes exactly.

```python
import onnxruntime
from load import load, padded
session = onnxruntime.InferenceSession("model.onnx")
buckets = load(".").ngrams(padded(["a text", "another one"]))
logits, = session.run(None, {"input": buckets})
```"""
LOADING_TOKENS = """## How to load it

With torch and safetensors alone:

```python
from load import load
model = load(".")
classes, probabilities = model.predict(["a text", "another one"])
```

With ONNX Runtime: the graph takes token numbers, which `tokenizer.json` tells the library `tokenizers` how to make.

```python
import onnxruntime
from tokenizers import Tokenizer
tokenizer = Tokenizer.from_file("tokenizer.json")
session = onnxruntime.InferenceSession("model.onnx")
logits, = session.run(None, {"input": [tokenizer.encode("a text").ids]})
```"""
LOADING_UPLOADED = """## How to load it

With torch, safetensors and tokenizers:

```python
from load import load
model = load(".")
classes, probabilities = model.predict(["a text", "another one"])
```

With ONNX Runtime: the graph takes token numbers. Those of `tokenizer.json`, which is the one that its user brought, are moved up by 2; 0 fills up a
row, and 1 stands between the two texts of a pair.

```python
import onnxruntime
from tokenizers import Tokenizer
tokenizer = Tokenizer.from_file("tokenizer.json")
tokenizer.no_padding()
tokenizer.enable_truncation({most})
session = onnxruntime.InferenceSession("model.onnx")
ids = [2 + i for i in tokenizer.encode("a text", add_special_tokens=False).ids]
logits, = session.run(None, {{"input": [ids]}})
```"""
LOADING_PAIRS = """## How to load it

With {needs} and safetensors alone:

```python
from load import load
model = load(".")
classes, probabilities = model.predict([("a query", "a passage"), ("another query", "another passage")])
```

With ONNX Runtime: the graph takes numbers that `load.py` makes of both texts and describes exactly ({numbers})."""
PAIRS = {
    "text_classifier": {"needs": "numpy", "numbers": '`load(".").ngrams(padded(pairs))`'},
    "text_encoder": {
        "needs": "torch (and tokenizers, where `tokenizer.json` is the one that its user brought)",
        "numbers": "`tokens.ids`",
    },
}
LOADINGS = {"text_classifier": LOADING_TEXT, "text_encoder": LOADING_TOKENS}
SPECIAL = re.compile(r"([\\`*_{}\[\]()#+!|<>~$&-])")


def plain(text: str) -> str:
    """Somebody's own words as words: nothing in them is Markdown or HTML."""
    return SPECIAL.sub(r"\\\1", " ".join(text.split()))


def card(report: Report, signature: Signature) -> str:
    """The whole file."""
    return (
        "\n\n".join(
            [
                f"# {plain(report.name)}",
                f"{report.verdict.sentence} {report.verdict.labels}",
                f"Measured on {count(report.grade.rows)} held-out rows; brackets are 95% intervals. All of it: `report.html`.",
                _table(report),
                f"## What it takes and gives\n\n{_signature(signature)}",
                _loading(report.spec["student"], signature),
                f"## What it was made from\n\n{_origin(report)}",
                _use(report),
            ]
        )
        + "\n"
    )


def _loading(student: dict[str, Any], signature: Signature) -> str:
    if signature.input.kind == "text" and signature.input.shape:
        return LOADING_PAIRS.format(**PAIRS[student["type"]])
    if student.get("tokenizer"):
        return LOADING_UPLOADED.format(most=student["max_tokens"])
    return LOADINGS.get(student["type"], LOADING)


def _table(report: Report) -> str:
    kind = metric(report.grade.headline.metric)
    lines = [f"| | {kind.name}{', %' if kind.suffix == '%' else ''} | parameters | weights |", "|---|---|---|---|"]
    for name in shown(report.grade):
        found, sizes = report.grade.role(name), report.sizes.get(name)
        assert found is not None
        figure = found.metrics[report.grade.headline.metric]
        accuracy = f"{level(figure, kind)} {interval(figure, kind.factor, kind.places)}".rstrip()
        held = f"{count(sizes.parameters)} | {size(sizes.bytes)}" if sizes else " | "
        lines.append(f"| {role(name, report.grade).long} | {accuracy} | {held} |")
    return "\n".join(lines)


def _signature(signature: Signature) -> str:
    given, classes = signature.input, signature.output.classes
    listed = ", ".join(plain(name) for name in classes[:20])
    more = f" and {count(len(classes) - 20)} more (all in `config.json`)" if len(classes) > 20 else ""
    gives = "It gives one logit a class"
    if signature.output.kind == "multilabel":
        gives = "A row has any number of classes: it gives the log-odds of each, and one is there where they are over 0 (a probability over 0.5)"
    if given.kind == "text":
        return f"{'Pairs of texts' if given.shape else 'Texts'}. {gives}, in this order: {listed}{more}."
    shape = " x ".join(map(str, given.shape))
    return (
        f"Raw values, {given.dtype}, {shape} a row; the model scales them itself (times {given.scale}, plus {given.offset}). "
        f"{gives}, in this order: {listed}{more}."
    )


def _rows(report: Report) -> str:
    """How many there were, and how many of them nobody but a teacher wrote."""
    written = ""
    if report.synthesis and report.synthesis.kept:
        written = f". Synthetic: {count(report.synthesis.kept)} rows were written by the teacher, from examples of the others; those of them that it answered are counted here"
    if report.copies:
        written = f". {count(report.copies.kept)} of them are copies of others with words left out"
    return f"- Rows: {count(report.grade.train_rows)} for training, of which the labels of {count(report.grade.labels_seen)} were seen{written}"


def _origin(report: Report) -> str:
    spec = report.spec
    data, teacher = spec["data"], spec.get("teacher")
    whom = "- Teacher: none, labels alone"
    if teacher:
        named = ", ".join(teacher.get("models") or [f"signals of {teacher.get('signals')}"])
        whom = f"- Teacher: {plain(named)}"
        whom += "".join(f"\n- Terms of {plain(one.model)}: {plain(terms(one))}" for one in report.teachers)
    return "\n".join(
        [
            whom,
            f"- Data: {plain(str(data['train']))}, held out: {plain(str(data['heldout']))}",
            _rows(report),
            "- The whole resolved job, all digests, versions and seeds: `manifest.json`",
        ]
    )


def _licence(report: Report) -> str:
    """The student's own: it inherits nothing by itself, and nothing silently."""
    known = [found for one in report.teachers for found in one.terms]
    said = "Licence: not stated. It follows from the licences of the data and of the teachers, as far as these are known above."
    if any(found.forbids for found in known) and (report.spec.get("teacher") or {}).get("accept_terms"):
        said += " Terms of its teachers forbid something; whoever ran the job said (`teacher.accept_terms`) that they had read them and that what they make is allowed."
    if any(found.asks for found in known):
        said += " Terms of its teachers ask something of whoever passes it on."
    return said


def _use(report: Report) -> str:
    taught = "\n- What the teacher gets wrong, the student was taught." if report.spec.get("teacher") else ""
    return f"""## Use and limits

- {_licence(report)}
- Intended use: not stated by whoever ran the job. The figures hold for rows like the held-out ones, and say nothing of others.
- One training run: the luck of the seed ({report.spec["training"]["seed"]}) is not in the intervals.{taught}"""

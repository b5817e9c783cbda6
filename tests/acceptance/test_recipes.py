"""Every recipe runs: on the rows it is for where a package carries them (digits), else on digits enlarged, and for a few steps."""

import io
import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits

from standalone.process import ROOT
from standalone.stack import Stack
from stillhouse import Job, Stillhouse
from stillhouse.types import Distillation, NewPrice, NewSignature
from tests.acceptance.teacher import sentences, served
from tests.acceptance.tenant import tenant
from tests.distill import docstrings, queries, topics

RECIPES = sorted((ROOT / "recipes").glob("*.json"))
SPLITS = {"train": (0, 1029), "test": (1029, 1797)}
STEPS = 20
CLASSES = [str(digit) for digit in range(10)]


@pytest.fixture(scope="module")
def client(stack: Stack) -> Iterator[Stillhouse]:
    with Stillhouse(stack.url, tenant(stack, "recipes", ("read", "write", "admin")).key) as found:
        yield found


@pytest.fixture(scope="module")
def asked(client: Stillhouse) -> Iterator[str]:
    """A model behind an endpoint that answers until all jobs are done."""
    with served(judge=queries.verdict) as teacher:
        price: NewPrice = {"input": 0.4, "output": 1.6}
        client.endpoints.create(name="words", url=teacher.url, price=price, allow_private=True)
        yield "ep_words/words"


class Material:
    """What stands for a recipe's placeholders here: uploaded when it is first asked for."""

    def __init__(self, client: Stillhouse, asked: str) -> None:
        self.client, self.asked = client, asked
        self.images = load_digits().images.astype(np.uint8)
        self.labels = load_digits().target
        self._ids: dict[str, str] = {}

    def id_of(self, name: str) -> str:
        if name not in self._ids:
            make = {
                "ds_digits": self.digits,
                "ds_mnist": self.mnist,
                "ds_signals": self.signals,
                "ds_texts": self.texts,
                "ds_pairs": self.pairs,
                "ds_queries": lambda: self.pairs(968),
                "ds_topics": self.topics,
                "ds_intents": self.intents,
            }
            self._ids[name] = make.get(name, lambda: self.model(28 if name == "mdl_mnist" else 8))()
        return self._ids[name]

    def digits(self) -> str:
        return self.client.datasets.from_arrays(self.images, self.labels, splits=SPLITS)["id"]

    def mnist(self) -> str:
        """Digits of 28x28 pixels, in columns that are called as those of MNIST's files."""
        large = np.pad(np.kron(self.images, np.ones((1, 3, 3), np.uint8)), ((0, 0), (2, 2), (2, 2)))
        packed = io.BytesIO()
        np.savez(packed, allow_pickle=False, image=large, label=self.labels)
        file = self.client.files.upload(packed.getvalue(), filename="mnist.npz")
        splits = {name: list(span) for name, span in SPLITS.items()}
        return self.client.datasets.create(
            files=[file["id"]], columns={"input": "image", "label": "label"}, splits=splits
        )["id"]

    def texts(self) -> str:
        texts, labels = docstrings.texts()
        return self.client.datasets.from_texts(texts, labels, splits={"test": (0, 768), "train": (768, len(texts))})[
            "id"
        ]

    def pairs(self, number: int | None = None) -> str:
        found = queries.pairs()[:number]
        texts, labels = [(asked, passage) for asked, passage, *_ in found], [label for _, _, label, _ in found]
        return self.client.datasets.from_texts(texts, labels, splits={"test": (0, 768), "train": (768, len(texts))})[
            "id"
        ]

    def topics(self) -> str:
        texts, names = topics.topics(968, 3)
        splits = {"test": (0, 768), "train": (768, len(texts))}
        return self.client.datasets.from_texts(texts, names, splits=splits)["id"]

    def intents(self) -> str:
        texts, labels = sentences(968, 3)
        splits = {"test": (0, 768), "train": (768, len(texts))}
        return self.client.datasets.from_texts(texts, labels, splits=splits)["id"]

    def signals(self) -> str:
        scores = np.eye(10, dtype=np.float32)[self.labels] * 4
        return self.client.datasets.signals(scores, x=self.images, classes=CLASSES)["id"]

    def model(self, width: int) -> str:
        """A teacher that knows nothing, for images of `width` x `width`."""
        draw = np.random.default_rng(0)
        sizes = {"hidden0.weight": (8, width**2), "hidden0.bias": (8,), "output.weight": (10, 8), "output.bias": (10,)}
        state = {name: draw.normal(0, 0.2, size).astype(np.float32) for name, size in sizes.items()}
        signature: NewSignature = {
            "input": {"kind": "image", "shape": [width, width], "dtype": "uint8", "scale": 1 / 16},
            "output": {"kind": "classes", "classes": CLASSES},
        }
        return self.client.models.upload(state, architecture={"type": "mlp", "hidden_sizes": [8]}, signature=signature)[
            "id"
        ]


def filled(node: Any, material: Material) -> Any:
    """The recipe with real ids."""
    if isinstance(node, dict):
        return {name: filled(value, material) for name, value in node.items()}
    if isinstance(node, list):
        return [filled(value, material) for value in node]
    if isinstance(node, str) and node.startswith("ep_"):
        return material.asked
    return material.id_of(node) if isinstance(node, str) and node.startswith(("ds_", "mdl_")) else node


@pytest.fixture(scope="module")
def material(client: Stillhouse, asked: str) -> Material:
    return Material(client, asked)


def short(name: str, material: Material) -> Distillation:
    """The recipe, with real ids and few steps."""
    spec: Distillation = filled(json.loads((ROOT / "recipes" / f"{name}.json").read_text()), material)
    spec["training"] = {**spec["training"], "steps": STEPS, "batch_size": 16}
    spec["training"].pop("epochs", None)
    return spec


@pytest.fixture(scope="module")
def jobs(client: Stillhouse, material: Material, request: pytest.FixtureRequest) -> dict[str, Job]:
    """All that are wanted at once."""
    here = (item for item in request.session.items if isinstance(item, pytest.Function))
    wanted = {str(item.callspec.params["name"]) for item in here if item.function is test_it_runs}
    return {name: client.distillations.create(short(name, material)) for name in sorted(wanted)}


@pytest.mark.parametrize("name", [path.stem for path in RECIPES])
def test_it_is_valid(name: str, client: Stillhouse, material: Material) -> None:
    assert client.distillations.validate(short(name, material))["problems"] == []


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", [path.stem for path in RECIPES])
def test_it_runs(name: str, client: Stillhouse, jobs: dict[str, Job]) -> None:
    job = jobs[name].wait(progress=False)
    report = job.report()
    assert report["grade"]["rows"] == 768
    assert report["verdict"]["sentence"]
    assert client.models.get(job.student)["state"] == "ready"

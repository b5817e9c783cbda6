"""What users import, and what is generated for them."""

import json

import stillhouse
from sdk.generate import generate
from standalone.process import ROOT


def test_exports_are_sorted_and_there() -> None:
    assert stillhouse.__all__ == sorted(stillhouse.__all__, key=str.casefold) or stillhouse.__all__ == sorted(
        stillhouse.__all__
    )
    assert all(hasattr(stillhouse, name) for name in stillhouse.__all__)


def test_types_are_those_of_the_document() -> None:
    document = json.loads((ROOT / "docs" / "openapi.json").read_text())
    assert (ROOT / "sdk/src/stillhouse/types.py").read_text() == generate(document), "run `make docs`"


def test_requests_may_leave_out_what_has_a_default_and_replies_may_not() -> None:
    document = {
        "paths": {"/x": {"post": {"requestBody": {"schema": {"$ref": "#/components/schemas/New"}}}}},
        "components": {
            "schemas": {
                "New": {
                    "properties": {"a": {"type": "integer"}, "b": {"$ref": "#/components/schemas/Inner"}},
                    "required": ["b"],
                },
                "Inner": {"properties": {"c": {"type": "array", "items": {"type": "string"}, "description": "Words."}}},
                "Made": {
                    "properties": {"d": {"anyOf": [{"type": "string"}, {"type": "null"}]}, "e": {"enum": ["x", "y"]}}
                },
                "Either": {"oneOf": [{"$ref": "#/components/schemas/New"}, {"$ref": "#/components/schemas/Made"}]},
            }
        },
    }
    text = generate(document)
    assert "class New(TypedDict):\n    a: NotRequired[int]\n    b: Inner\n" in text
    assert 'c: NotRequired[Sequence[str]]\n    """Words."""' in text
    assert "class Made(TypedDict):\n    d: str | None\n    e: Literal['x', 'y']\n" in text
    assert text.endswith("Either = New | Made\n")
    compile(text, "types.py", "exec")

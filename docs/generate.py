"""What is generated from the code: `python -m docs.generate` writes it, `--check` tells whether it is up to date."""

import json
import os
import sys
from pathlib import Path

from api.main import create_app
from docs.settings_page import settings_page
from docs.spec_page import spec_page
from sdk.generate import generate as types_of

ROOT = Path(__file__).resolve().parent.parent
NOBODY = {"DATABASE_URL": "postgresql+psycopg://", "BROKER_URL": "redis://", "STORAGE": "/nowhere", "PEPPER": "none"}
"""Settings of an application that is only asked to describe itself."""


def documents() -> dict[str, str]:
    """Path to text."""
    os.environ.update({f"STILLHOUSE_{name}": value for name, value in NOBODY.items()})
    described = create_app().openapi()
    return {
        "docs/openapi.json": json.dumps(described, indent=1, ensure_ascii=False) + "\n",
        "docs/settings.md": settings_page(),
        "docs/spec.md": spec_page(),
        "sdk/src/stillhouse/types.py": types_of(described),
    }


def main(arguments: list[str]) -> int:
    stale = []
    for name, text in documents().items():
        path = ROOT / name
        if "--check" not in arguments:
            path.write_text(text)
        elif not path.exists() or path.read_text() != text:
            stale.append(name)
    if stale:
        print(f"out of date: {', '.join(stale)}; run `make docs`", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""docs/settings.md, written from settings.py."""

from settings import Settings

HEAD = """# Settings

<!-- Written by `python -m docs.generate` from the docstrings in settings.py: edit those. -->

One set of environment variables for api, workers and migrations. The SDK and the command line read two more: `STILLHOUSE_URL`
and `STILLHOUSE_API_KEY`; `make up` reads `STILLHOUSE_HOME` (default `./data`) and `STILLHOUSE_PORT` (default 8400).

| variable | default | meaning |
|---|---|---|
"""


def settings_page() -> str:
    """A line a variable."""
    return HEAD + "".join(_line(name) for name in Settings.model_fields)


def _line(name: str) -> str:
    field = Settings.model_fields[name]
    default = "" if field.default in ("", None) else f"`{field.default}`"
    meaning = " ".join((field.description or "").split()).replace("|", "\\|")
    return f"| `STILLHOUSE_{name.upper()}` | {default} | {meaning} |\n"

"""The OpenAPI document: what FastAPI derives, with the names that clients made from it should have."""

import json
import re
from typing import Any

from fastapi import FastAPI

TAGS = {
    "files": "Bytes that you send: what datasets and models are made of.",
    "datasets": "Immutable typed rows with splits, made from files.",
    "models": "Weights: uploaded to teach, or distilled.",
    "endpoints": "Somebody's API with models behind it: to teach by its answers.",
    "distillations": "The job: a teacher, a dataset, a student, and proof of what the student kept.",
    "projects": "Tenants. Each sees nothing of the others.",
    "keys": "API keys, with scopes.",
    "usage": "What was used and what is held.",
    "workers": "Who is connected, and with what.",
    "bedrock": "Distillation as Amazon Bedrock's clients ask for it.",
    "vertex": "Distillation as users of Vertex AI ask for it.",
    "health": "For load balancers, process managers and Prometheus.",
}


def document(app: FastAPI) -> dict[str, Any]:
    """Made once. A page of files is called `FilePage`, not `Page_File_`."""
    if app.openapi_schema is None:
        written = json.dumps(FastAPI.openapi(app))
        named: dict[str, Any] = json.loads(re.sub(r"Page_(\w+?)_(?=\W)", r"\1Page", written))
        for schema in named["components"]["schemas"].values():
            schema["title"] = re.sub(r"^Page\[(\w+)\]$", r"\1Page", schema.get("title", ""))
        for operations in named["paths"].values():
            for operation in operations.values():
                operation["summary"] = operation["description"].partition(".")[0]
        named["tags"] = [{"name": name, "description": text} for name, text in TAGS.items()]
        app.openapi_schema = named
    return app.openapi_schema

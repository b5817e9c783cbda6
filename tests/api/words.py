"""The endpoint of a teacher, as it is made over HTTP."""

from typing import Any

from tests.acceptance.teacher import Teacher

KEY = "sk-planted-9d41c0ffee2b7a55"
PRICE = {"input": 0.4, "output": 1.6}


def body(teacher: Teacher, name: str = "words", **more: Any) -> dict[str, Any]:
    return {"name": name, "url": teacher.url, "key": KEY, "price": PRICE, "allow_private": True, **more}

"""What the server does not do, as an error of either wire."""

Json = dict[str, object]


class Refused(Exception):
    """`status` is HTTP's; `param` names the field of the request that is wrong, `code` the kind of error as OpenAI spells it."""

    def __init__(
        self,
        status: int,
        message: str,
        param: str | None = None,
        code: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.message, self.param, self.code, self.headers = status, message, param, code, headers or {}

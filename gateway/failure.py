"""How a call to an endpoint fails.

CallFailed
├── Retryable   rate_limited (429, 529), server_error (5xx, 408), unreachable, reset, timeout, malformed;
│               in a batch: expired, cancelled
└── Permanent   bad_request (400 and the other 4xx), unauthorized (401), forbidden (403), not_found (404),
                refused (address, port or scheme), redirected (3xx), too_large
"""


class CallFailed(Exception):
    """`kind` is one of the words above; `sent` says whether the endpoint may have seen the request, and so may bill it.

    `status` is the reply's; 200 with a kind of another one is an error within a stream that had begun.
    """

    def __init__(self, kind: str, message: str, *, sent: bool, status: int | None = None) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.sent = sent
        self.status = status

    @property
    def billed(self) -> bool:
        """Whether it may be on the bill: no endpoint bills a call that it did not get, or that it answered with another status than 200."""
        return self.sent and self.status in (None, 200)


class Retryable(CallFailed):
    """The same request may succeed later; `retry_after` is what the endpoint asked for, in seconds."""

    def __init__(
        self, kind: str, message: str, *, sent: bool, status: int | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(kind, message, sent=sent, status=status)
        self.retry_after = retry_after


class Permanent(CallFailed):
    """The same request fails again."""

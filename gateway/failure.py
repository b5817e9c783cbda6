"""How a call to an endpoint fails.

CallFailed
├── Retryable   rate_limited (429, 529), server_error (5xx), unreachable, reset, timeout (408, 504, 522, 524 too), malformed;
│               in a batch: expired, cancelled
└── Permanent   bad_request (400 and the other 4xx), unauthorized (401), unpaid (402, or one of OWES), forbidden (403),
                not_found (404), refused (address, port or scheme), redirected (3xx), too_large
"""

from gateway.reply import Usage

LATE = (408, 504, 522, 524)
"""A gateway, such as nginx or Cloudflare (522, 524), says that it waits no longer: whoever stands behind it may answer yet, to nobody."""

OWES = ("insufficient_quota", "billing_hard_limit_reached")
"""OpenAI's words, as an error's `code` or `type`, for an account whose credit is gone, or that has spent what it may. Its status is mostly 429, as
that of too many calls (https://platform.openai.com/docs/guides/error-codes)."""


class CallFailed(Exception):
    """`kind` is one of the words above; `sent` says whether the endpoint may have seen the request, and so may bill it.

    `status` is the reply's; 200 with a kind of another one is an error within a stream that had begun. `usage`: of a reply that is no
    answer, and says all the same what it has used.
    """

    def __init__(
        self, kind: str, message: str, *, sent: bool, status: int | None = None, usage: Usage | None = None
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.sent = sent
        self.status = status
        self.usage = usage

    @property
    def billed(self) -> bool:
        """Whether it may be on the bill: no endpoint bills a call that it did not get, or that it refused, or failed at, by its status."""
        return self.sent and (self.status is None or 200 <= self.status < 300 or self.status in LATE)


class Retryable(CallFailed):
    """The same request may succeed later; `retry_after` is what the endpoint asked for, in seconds."""

    def __init__(
        self, kind: str, message: str, *, sent: bool, status: int | None = None, usage: Usage | None = None,
        retry_after: float | None = None,
    ) -> None:  # fmt: skip
        super().__init__(kind, message, sent=sent, status=status, usage=usage)
        self.retry_after = retry_after


class Permanent(CallFailed):
    """The same request fails again."""

"""Every setting of the server's processes, read from `STILLHOUSE_*` variables; nothing else reads the environment."""

from functools import cache
from pathlib import Path

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """One documented set of variables for api, workers and migrations (the SDK reads two more: URL and API_KEY)."""

    model_config = SettingsConfigDict(env_prefix="STILLHOUSE_", frozen=True, use_attribute_docstrings=True)

    database_url: str = ""
    """PostgreSQL, `postgresql+psycopg://user:password@host/name`. Required."""
    broker_url: str = ""
    """Redis or Valkey, `redis://:password@host:6379/0`. It holds doorbells only: losing it loses nothing. Required."""
    storage: str = ""
    """Where bytes live: a folder's absolute path, or `s3://bucket/prefix`. Required."""
    s3_endpoint: str | None = None
    """URL of an S3-compatible store; unset means AWS. Credentials come from the usual AWS variables."""
    scratch: Path = Path("/tmp/stillhouse")  # noqa: S108  # for a first try; docs/operations.md tells to set it
    """Run folders and half-received uploads. Local disk; may be emptied while nothing runs."""
    pepper: str = ""
    """Secret that keys are hashed with (HMAC-SHA256). Required; the same for every api process."""
    sealing_keys: str = ""
    """Master keys that endpoints' keys are sealed with (AES-256-GCM): 32 bytes each, base64, separated by commas. The first seals, all open:
    a new one goes last until every process has it, then first; run `python -m api.admin reseal`, and take the old one away. The same for every api
    process and io worker."""

    terms: str = ""
    """A file of terms that restrict models trained on outputs, beside those of spec/terms.toml and in its form: absolute path. An entry with the name
    of one there takes its place. The same for every process."""

    max_upload_bytes: int = 5 * 2**30
    """Largest file that POST /v1/files takes."""
    max_body_bytes: int = 2 * 2**20
    """Largest JSON body."""
    project_quota_bytes: int = 200 * 2**30
    """Bytes that a project's files and outputs may hold, unless the project says otherwise."""
    database_seconds: float = Field(default=1.2, gt=0)
    """How long PostgreSQL may be silent before requests are answered 503. One statement may take ten times as long."""

    lease_seconds: float = Field(default=30.0, gt=0)
    """A worker that has not renewed for so long has lost its step."""
    heartbeat_seconds: float = Field(default=5.0, gt=0)
    """How often a worker renews its lease and learns what the user wants."""
    sweep_seconds: float = Field(default=5.0, gt=0)
    """How often expired leases and missed doorbells are looked for."""
    linger_seconds: float = Field(default=10.0, ge=0)
    """How long a worker goes on asking for steps after the last one."""
    stop_seconds: float = Field(default=8.0, gt=0)
    """Time a child has to write its checkpoint before it is killed. With the heartbeat it makes up the time that `cancel` takes at most."""
    batch_seconds: float = Field(default=15.0, gt=0)
    """Time between two looks at a batch that an endpoint works on; of one that takes long it grows to twenty times as much."""
    max_attempts: int = Field(default=3, ge=1)
    """Attempts of a step whose failure nobody can explain."""

    threads: int = Field(default=1, ge=1)
    """Compute threads of one child process. Part of what makes a result reproducible."""
    worker_memory_bytes: int = 0
    """Memory that this worker offers to steps; 0 means the machine's."""
    child_memory_bytes: int = 0
    """Address-space limit of a child on the CPU; 0 means none, but 8 GiB of its own, files that it maps aside, for one that
    opens uploads."""
    latency_seconds: float = Field(default=4.0, ge=0.1)
    """Time in which a `package` step measures how fast teacher, student and baselines answer; less is noisier."""
    device_price_per_hour: float = Field(default=0.0, ge=0)
    """US dollars an hour that this worker's device is booked at."""
    allow_unsandboxed: bool = False
    """Accept uploads on a worker that can make neither a user namespace nor a bubblewrap sandbox."""
    log_format: str = "json"
    """`json` or `console`."""

    @field_validator("broker_url")
    @classmethod
    def _verified(cls, url: str) -> str:
        """To Celery `rediss://` alone means encryption with whoever answers: here it checks who that is, unless told not to."""
        if not url.startswith("rediss://") or "ssl_cert_reqs=" in url:
            return url
        return f"{url}{'&' if '?' in url else '?'}ssl_cert_reqs=required"


@cache
def settings() -> Settings:
    """The settings of this process, read once."""
    return Settings()

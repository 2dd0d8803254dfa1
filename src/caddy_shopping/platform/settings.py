"""What the whole process is told from outside: environment, `.env` in development, secret files.

A context's own settings lie in `contexts/<name>/settings.py`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal, TypeVar
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

S = TypeVar("S", bound=BaseSettings)
SECRETS = Path("/run/secrets")


class SettingsWrong(Exception):
    """With these settings nothing can run. Says which one, and what is wrong with it, but not what it reads: it may
    be a secret."""


def load(kind: type[S], **given: Any) -> S:
    """Read one settings class: what is `given`, then the environment, `.env`, and files in `/run/secrets`.

    Raises `SettingsWrong`.
    """
    try:
        return kind(_env_file=".env", _secrets_dir=SECRETS if SECRETS.is_dir() else None, **given)
    except ValidationError as fault:
        prefix = given.get("_env_prefix") or kind.model_config.get("env_prefix", "")
        faults = [f"{prefix}{error['loc'][0]}".upper() + f": {error['msg']}" for error in fault.errors()]
        raise SettingsWrong(". ".join(faults)) from None


@contextmanager
def reading(variable: str, *faults: type[Exception]) -> Iterator[None]:
    """What is made here is made from `variable`: one of `faults` is `SettingsWrong`."""
    try:
        yield
    except faults as fault:
        raise SettingsWrong(f"{variable}: {fault}") from fault


class Environment(StrEnum):
    """In development, errors show their stack."""

    DEVELOPMENT = "development"
    PRODUCTION = "production"


class Settings(BaseSettings):
    """`SHOP_…` variables; a file of the same lower-case name in `/run/secrets` counts too."""

    model_config = SettingsConfigDict(env_prefix="SHOP_", extra="ignore")

    environment: Environment = Environment.DEVELOPMENT
    data_dir: Path = Path("var")
    """Database file, keys, installation secret, uploaded images, mail outbox."""
    database_url: str = ""
    """Empty: SQLite in `data_dir`. Anything else: an async SQLAlchemy URL."""
    redis_url: SecretStr = SecretStr("")
    """`redis://[user:password@]host:port/number`, or `rediss://` with TLS. Empty: this process shares nothing."""
    cache_entries: int = Field(default=5000, ge=0)
    """Values of the shared cache that this process has in its own memory too; 0: none."""
    contexts: str = ""
    """The contexts of this process, by commas (`orders,payments`); empty: all."""
    peers: str = ""
    """Where the others are, by commas: `products=http://10.0.0.2:3000,users=http://10.0.0.3:3000`."""
    host: str = "127.0.0.1"
    port: int = Field(default=3000, ge=0, le=65535)
    worker_port: int | None = Field(default=None, ge=0, le=65535)
    """Where a worker answers about its health and metrics, on `host`; unset: nowhere."""
    public_url: str = ""
    """How this shop is reached from outside; empty: `http://host:port`."""
    pool_size: int = Field(default=10, ge=1)
    pool_timeout_seconds: float = Field(default=5.0, gt=0)
    idempotency_lease_seconds: float = Field(30.0, gt=0)
    """How long an Idempotency-Key waits for a request that a crash cut short; longer than any request takes."""
    token_algorithm: Literal["RS256", "HS256"] = "RS256"
    token_secret: SecretStr = SecretStr("")
    """HS256 only: at least 32 bytes."""
    token_minutes: int = Field(default=15, ge=1, le=60)
    kafka_brokers: str = ""
    """`host:port,host:port`: events travel by Kafka. Empty: inside the process."""
    kafka_partitions: int = Field(default=12, ge=1)
    """Of each topic that is made at start: as many consumers can share it. Existing topics stay as they are."""
    kafka_replication: int = Field(default=1, ge=1)
    kafka_prefix: str = ""
    """Put before the names of topics and groups, where several shops share one Kafka, e.g. `staging-`."""
    kafka_session_seconds: float = Field(default=45.0, gt=0)
    """How long a consumer may be silent before another takes over what it had."""
    kafka_options: dict[str, str] = Field(default_factory=dict)
    """More options of librdkafka as JSON, e.g. `{"security.protocol": "SASL_SSL", …}`."""
    log_level: str = "INFO"
    log_format: Literal["console", "json"] = "json"
    otlp_endpoint: str = ""
    """Where traces go, e.g. `http://jaeger:4318`: whoever takes OTLP over HTTP. Empty: nowhere."""
    otlp_sampling: float = Field(default=1.0, ge=0, le=1)
    """The part of new traces that is sent; one that came in is sent where its caller sends it."""
    through_wire: bool = False
    """Calls between contexts pass through JSON, as they would between processes; for tests."""
    drain_seconds: float = Field(default=10.0, ge=0)
    """How long a stopping process lets requests and deliveries finish."""
    notice_seconds: float = Field(default=0.0, ge=0)
    """How long before that it still takes requests while it says that it is not ready, for balancers to notice."""

    @field_validator("otlp_endpoint")
    @classmethod
    def _an_address(cls, value: str) -> str:
        parts = urlsplit(value)
        try:
            good = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        except ValueError:  # the port is no number
            good = False
        if value and (not good or parts.path.strip("/")):
            raise ValueError("it should read like http://host:4318, without a path")
        return value

    @property
    def url(self) -> str:
        """How the shop is reached by its callers."""
        return self.public_url or self.local_url

    @property
    def local_url(self) -> str:
        """How a process on this machine reaches the shop."""
        host = "127.0.0.1" if self.host in ("0.0.0.0", "::") else self.host
        return f"http://{host}:{self.port}"

    @property
    def database(self) -> str:
        return self.database_url or f"sqlite:///{self.data_dir / 'shop.db'}"

"""What the whole process is told from outside: environment, `.env` in development, secret files.

A context's own settings lie in `contexts/<name>/settings.py`.
"""

from enum import StrEnum
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Environment(StrEnum):
    DEVELOPMENT = "development"
    PRODUCTION = "production"


class Settings(BaseSettings):
    """`SHOP_…` variables; a file of the same lower-case name in `/run/secrets` counts too."""

    model_config = SettingsConfigDict(
        env_prefix="SHOP_", env_file=".env", extra="ignore", secrets_dir="/run/secrets", secrets_dir_missing="ok"
    )

    environment: Environment = Environment.DEVELOPMENT
    data_dir: Path = Path("var")
    """Database file, keys, installation secret, uploaded images, mail outbox."""
    database_url: str = ""
    """Empty: SQLite in `data_dir`. Anything else: an async SQLAlchemy URL."""
    host: str = "127.0.0.1"
    port: int = Field(3000, ge=0, le=65535)
    public_url: str = ""
    """How this shop is reached from outside; empty: `http://host:port`."""
    pool_size: int = Field(10, ge=1)
    pool_timeout_seconds: float = Field(5.0, gt=0)
    token_algorithm: Literal["RS256", "HS256"] = "RS256"
    token_secret: SecretStr = SecretStr("")
    """HS256 only: at least 32 bytes."""
    token_minutes: int = Field(15, ge=1, le=60)
    log_level: str = "INFO"
    log_format: Literal["console", "json"] = "json"
    drain_seconds: float = Field(10.0, ge=0)
    """How long a stopping process lets requests and deliveries finish."""

    @property
    def url(self) -> str:
        return self.public_url or f"http://{self.host}:{self.port}"

    @property
    def database(self) -> str:
        return self.database_url or f"sqlite:///{self.data_dir / 'shop.db'}"

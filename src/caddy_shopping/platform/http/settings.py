"""How the process speaks HTTP; environment variables begin with `SHOP_HTTP_`."""

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


class HttpSettings(BaseSettings):
    """Sizes are bytes, times seconds."""

    model_config = SettingsConfigDict(env_prefix="SHOP_HTTP_", frozen=True)

    development: bool = False
    """Errors show their stack. Never on a machine that strangers can reach."""
    public_url: str = "/"
    """Where callers reach the API; goes into the OpenAPI document."""
    cors_origins: Annotated[tuple[str, ...], NoDecode] = ()
    """Origins whose pages may call the API, with commas between: `https://shop.example`; `*` lets all in."""
    hsts_seconds: int = Field(default=0, ge=0)
    """`Strict-Transport-Security` for so long; 0 sends none (behind plain HTTP it would lock people out)."""
    max_body: int = Field(default=1024 * 1024, gt=0)
    max_upload: int = Field(default=10 * 1024 * 1024, gt=0)
    """Largest body on the paths that take files."""
    trusted_proxies: int = Field(default=0, ge=0)
    """How many proxies of ours stand in front: so many entries at the end of X-Forwarded-For are believed."""
    access_log: Literal["off", "problems", "all"] = "problems"
    """`problems` logs requests that failed (5xx) or were slow."""
    slow_request: float = Field(default=1.0, gt=0)
    cache_entries: int = Field(default=5000, ge=0)
    """Public answers kept in memory; 0 keeps none."""
    cache_bytes: int = Field(default=32 * 1024 * 1024, ge=0)
    rate_limits: bool = True

    @field_validator("cors_origins", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value

"""What this context is told from outside."""

from datetime import timedelta

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from caddy_shopping.contexts.users.domain.session import Lifetimes


class UsersSettings(BaseSettings):
    """`SHOP_USERS_…` variables."""

    model_config = SettingsConfigDict(env_prefix="SHOP_USERS_", env_file=".env", extra="ignore")

    session_idle_days: int = Field(default=30, ge=1, le=365)
    """A session that is not refreshed for so long ends."""
    session_longest_days: int = Field(default=180, ge=1, le=3650)
    """A session ends after so long in any case."""
    refresh_retry_seconds: int = Field(default=30, ge=0, le=300)
    """How long a client who lost the answer may send the same refresh token again."""
    confirmation_hours: int = Field(default=24, ge=1)
    reset_minutes: int = Field(default=60, ge=1)
    sign_in_tries: int = Field(default=10, ge=1)
    """Tries per account and network address within `sign_in_window_seconds`."""
    sign_in_window_seconds: int = Field(default=300, ge=1)
    purge_every_minutes: int = Field(default=60, ge=1)

    @property
    def lifetimes(self) -> Lifetimes:
        return Lifetimes(
            idle=timedelta(days=self.session_idle_days),
            longest=timedelta(days=self.session_longest_days),
            retry=timedelta(seconds=self.refresh_retry_seconds),
            confirmation=timedelta(hours=self.confirmation_hours),
            reset=timedelta(minutes=self.reset_minutes),
        )

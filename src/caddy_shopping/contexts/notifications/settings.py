"""What this context is told from outside."""

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

_SECRETS = Path("/run/secrets")


class NotificationsSettings(BaseSettings):
    """`SHOP_NOTIFICATIONS_…` variables. Without `smtp_host`, mails become `.eml` files in `outbox`."""

    model_config = SettingsConfigDict(
        env_prefix="SHOP_NOTIFICATIONS_",
        env_file=".env",
        extra="ignore",
        secrets_dir=_SECRETS if _SECRETS.is_dir() else None,
    )

    smtp_host: str = ""
    smtp_port: int = Field(default=587, ge=1, le=65535)
    smtp_username: str = ""
    smtp_password: SecretStr = SecretStr("")
    smtp_security: Literal["starttls", "tls", "none"] = "starttls"
    """`starttls` (port 587) and `tls` (port 465) refuse a server whose certificate does not hold."""
    smtp_timeout_seconds: float = Field(default=15.0, gt=0, le=30)
    """For each command to the mail server."""
    sender_address: str = Field(default="shop@localhost", pattern=r'^[^@\s<>",;:]+@[^@\s<>",;:]+$')
    """The From of every mail; its domain is also the right-hand side of every Message-ID."""
    shop_name: str = Field(default="Caddy Shopping", min_length=1, max_length=80)
    shop_url: str = Field(default="http://localhost:3000", pattern=r"^https?://[^\s\"'<>]+$")
    """Where the links in mails lead: the shop's pages, without a slash at the end."""
    outbox: Path | None = None
    """Folder of the `.eml` files; `outbox` in the data folder unless said otherwise."""
    batch_size: int = Field(default=20, ge=1, le=200)
    gather_seconds: float = Field(default=0.2, ge=0, le=60)
    """How long the mailer lets mails gather after the first: many in one batch cost few commits."""
    sweep_seconds: float = Field(default=10.0, gt=0)
    """How often the queue is looked through for mails whose next attempt has come."""
    keep_sent_days: int = Field(default=90, ge=1)
    """How long mails that went out are kept for staff to look up."""
    keep_read_days: int = Field(default=90, ge=1)
    """How long news is kept after it was read. What nobody has read stays."""

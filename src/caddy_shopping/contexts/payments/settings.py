"""What can be set for payments: environment variables `SHOP_PAYMENTS_…`."""

from datetime import timedelta

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class PaymentsSettings(BaseSettings):
    """Seconds everywhere. Webhook secrets are written `whsec_<base64>`."""

    model_config = SettingsConfigDict(env_prefix="SHOP_PAYMENTS_", env_file=".env", extra="ignore")

    provider: str = "sandbox"
    """Who new payments go to. Earlier payments stay with whoever took them."""
    reconcile_after_seconds: float = Field(default=120, gt=0)
    """How long a payment or refund may stay unknown before the provider is asked."""
    reconcile_every_seconds: float = Field(default=30, gt=0)
    sweep_every_seconds: float = Field(default=10, gt=0)
    """How often webhooks that a crash or a refusal left behind are looked for."""
    webhook_previous_secrets: list[SecretStr] = []
    """While the secret is exchanged: the old ones are still believed, and the sandbox signs with all."""
    keep_webhooks_days: int = Field(default=30, ge=1)
    """How long webhooks that had their effect, and the sandbox's that were delivered, are kept for staff to see."""
    sandbox_slow_seconds: float = Field(default=5, ge=0)
    """How long a payment by `sandbox_slow` takes."""
    sandbox_webhook_origin: str = ""
    """`http://host:port` of a process that serves payments, for a worker of the sandbox; empty: its own `SHOP_PORT`."""
    sandbox_poll_seconds: float = Field(default=1, gt=0)
    sandbox_retry_seconds: float = Field(default=1, gt=0)
    """The first pause after a webhook that was not taken; doubled each time, an hour at most."""

    @property
    def reconcile_after(self) -> timedelta:
        return timedelta(seconds=self.reconcile_after_seconds)

    @property
    def sandbox_slow(self) -> timedelta:
        return timedelta(seconds=self.sandbox_slow_seconds)

    @property
    def webhooks_kept(self) -> timedelta:
        return timedelta(days=self.keep_webhooks_days)

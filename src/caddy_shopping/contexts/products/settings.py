"""What can be set about the catalogue."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class ProductsSettings(BaseSettings):
    """Read from `SHOP_PRODUCTS_…`."""

    model_config = SettingsConfigDict(env_prefix="SHOP_PRODUCTS_")

    currency: str = Field(default="CNY", pattern="^[A-Z]{3}$")
    """ISO 4217 code of the one currency that the shop sells in."""
    media_folder: Path | None = None
    """Where uploaded pictures are kept; `media` in the shop's data folder where not said."""
    data_dir: Path = Field(default=Path("var"), validation_alias="SHOP_DATA_DIR")
    sweep_seconds: float = Field(default=15.0, gt=0)
    """How often reservations that ran out are looked for."""

    keep_released_days: int = Field(default=30, ge=1)
    """How long reservations that were given back are kept."""

    @property
    def media(self) -> Path:
        return self.media_folder or self.data_dir / "media"

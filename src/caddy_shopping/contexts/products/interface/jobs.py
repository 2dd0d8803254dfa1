"""What comes round in the catalogue."""

from datetime import timedelta

from caddy_shopping.contexts.products.application.purge_reservations import PurgeReservations
from caddy_shopping.contexts.products.application.sweep_reservations import BATCH, SweepReservations
from caddy_shopping.contexts.products.application.use_cases import UseCases
from caddy_shopping.contexts.products.settings import ProductsSettings
from caddy_shopping.platform.executor import Executor
from caddy_shopping.platform.module import Job


def jobs(use_cases: UseCases, run: Executor, settings: ProductsSettings) -> list[Job]:
    async def sweep() -> None:
        """Batch after batch, until one is not full."""
        while await run(use_cases.sweep_reservations, SweepReservations()) == BATCH:
            pass

    async def purge() -> None:
        await run(use_cases.purge_reservations, PurgeReservations())

    return [
        Job("products.sweep-reservations", timedelta(seconds=settings.sweep_seconds), sweep),
        Job("products.purge-reservations", timedelta(hours=1), purge),
    ]

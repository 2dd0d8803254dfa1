"""Builds the products context by hand: the catalogue, its search, its stock and the reservations of it."""

from datetime import timedelta
from functools import partial
from pathlib import Path

from caddy_shopping.contexts.products.application.archive_product import ArchiveProductHandler
from caddy_shopping.contexts.products.application.change_product import ChangeProductHandler
from caddy_shopping.contexts.products.application.change_stock import ChangeStockHandler
from caddy_shopping.contexts.products.application.create_product import CreateProductHandler
from caddy_shopping.contexts.products.application.edit_categories import (
    ChangeCategoryHandler,
    CreateCategoryHandler,
    RemoveCategoryHandler,
)
from caddy_shopping.contexts.products.application.export_products import ExportProductsHandler
from caddy_shopping.contexts.products.application.freshness import only_stock
from caddy_shopping.contexts.products.application.import_products import ImportProductsHandler
from caddy_shopping.contexts.products.application.purge_reservations import PurgeReservationsHandler
from caddy_shopping.contexts.products.application.reserve_stock import ReserveStockHandler
from caddy_shopping.contexts.products.application.seed_catalogue import SeedCatalogue
from caddy_shopping.contexts.products.application.settle_stock import (
    CancelSaleHandler,
    ReleaseStockHandler,
    RestockReturnHandler,
    SellStockHandler,
)
from caddy_shopping.contexts.products.application.staff_reads import StaffReads
from caddy_shopping.contexts.products.application.sweep_reservations import SweepReservationsHandler
from caddy_shopping.contexts.products.application.upload_image import UploadImageHandler
from caddy_shopping.contexts.products.application.use_cases import UseCases
from caddy_shopping.contexts.products.application.warm_catalogue import WarmCatalogue
from caddy_shopping.contexts.products.infrastructure import tables
from caddy_shopping.contexts.products.infrastructure.cached import CachedProductQueries
from caddy_shopping.contexts.products.infrastructure.csv_bulk import SqlImportTransaction
from caddy_shopping.contexts.products.infrastructure.csv_export import SqlExportQueries
from caddy_shopping.contexts.products.infrastructure.mapping import map_products
from caddy_shopping.contexts.products.infrastructure.media import FolderMedia
from caddy_shopping.contexts.products.infrastructure.repositories import SqlProductsTransaction
from caddy_shopping.contexts.products.interface.categories_http import StaffCategoryController
from caddy_shopping.contexts.products.interface.demo import demo_products
from caddy_shopping.contexts.products.interface.events import consumers
from caddy_shopping.contexts.products.interface.http import CategoryController, ProductController
from caddy_shopping.contexts.products.interface.jobs import jobs
from caddy_shopping.contexts.products.interface.service import ProductsService
from caddy_shopping.contexts.products.interface.staff_http import StaffProductController
from caddy_shopping.contexts.products.settings import ProductsSettings
from caddy_shopping.contracts.orders import Orders
from caddy_shopping.platform.http.app import routes_of
from caddy_shopping.platform.module import Kit, Module, Schema

__all__ = ["build", "only_stock", "schema"]

schema = Schema("products", tables.metadata, Path(__file__).parent / "infrastructure" / "migrations")
CONTROLLERS = [ProductController, CategoryController, StaffProductController, StaffCategoryController]


def build(kit: Kit, settings: ProductsSettings, orders: Orders) -> Module:
    """The products context on `kit`; `orders` says which reservations that ran out belong to an order."""
    use_cases = _use_cases(kit, settings, orders)
    return Module(
        "products",
        use_cases,
        kit.run,
        routes=lambda: routes_of(use_cases, kit.run, CONTROLLERS),
        consumers=consumers(use_cases),
        service=ProductsService(use_cases, kit.run),
        jobs=jobs(use_cases, kit.run, settings),
    )


def _use_cases(kit: Kit, settings: ProductsSettings, orders: Orders) -> UseCases:
    map_products()
    uow = kit.unit_of_work(SqlProductsTransaction)
    clock = kit.clock
    queries = CachedProductQueries(kit.database, kit.cache)
    media = FolderMedia(settings.media)
    import_products = ImportProductsHandler(kit.unit_of_work(SqlImportTransaction), clock, settings.currency)
    export_products = ExportProductsHandler(SqlExportQueries(kit.database))
    demo = partial(demo_products, settings.currency)
    return UseCases(
        create_product=CreateProductHandler(uow, clock, settings.currency),
        change_product=ChangeProductHandler(uow, clock),
        archive_product=ArchiveProductHandler(uow, clock),
        upload_image=UploadImageHandler(uow, media, clock),
        create_category=CreateCategoryHandler(uow),
        change_category=ChangeCategoryHandler(uow),
        remove_category=RemoveCategoryHandler(uow),
        change_stock=ChangeStockHandler(uow, clock),
        reserve_stock=ReserveStockHandler(uow, queries, clock),
        release_stock=ReleaseStockHandler(uow),
        sell_stock=SellStockHandler(uow),
        cancel_sale=CancelSaleHandler(uow, clock),
        restock_return=RestockReturnHandler(uow, clock),
        sweep_reservations=SweepReservationsHandler(uow, queries, orders, clock),
        purge_reservations=PurgeReservationsHandler(uow, clock, timedelta(days=settings.keep_released_days)),
        import_products=import_products,
        export_products=export_products,
        seed=SeedCatalogue(kit.run, import_products, export_products, demo),
        warm=WarmCatalogue(queries),
        queries=queries,
        staff=StaffReads(queries),
        media=media,
    )

"""Everything that the catalogue can be asked for."""

import msgspec

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
from caddy_shopping.contexts.products.application.import_products import ImportProductsHandler
from caddy_shopping.contexts.products.application.ports import Media
from caddy_shopping.contexts.products.application.purge_reservations import PurgeReservationsHandler
from caddy_shopping.contexts.products.application.queries import ProductQueries
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
from caddy_shopping.contexts.products.application.warm_catalogue import WarmCatalogue


class UseCases(msgspec.Struct, frozen=True):
    create_product: CreateProductHandler
    change_product: ChangeProductHandler
    archive_product: ArchiveProductHandler
    upload_image: UploadImageHandler
    create_category: CreateCategoryHandler
    change_category: ChangeCategoryHandler
    remove_category: RemoveCategoryHandler
    change_stock: ChangeStockHandler
    reserve_stock: ReserveStockHandler
    release_stock: ReleaseStockHandler
    sell_stock: SellStockHandler
    cancel_sale: CancelSaleHandler
    restock_return: RestockReturnHandler
    sweep_reservations: SweepReservationsHandler
    purge_reservations: PurgeReservationsHandler
    import_products: ImportProductsHandler
    export_products: ExportProductsHandler
    seed: SeedCatalogue
    warm: WarmCatalogue
    queries: ProductQueries
    staff: StaffReads
    media: Media

"""Tables of the orders context. Money is `…_amount` in minor units and the row's `currency`.

Orders and what belongs to them are partitioned by the year in the order's id (docs/adr/0008). A partitioned table takes
no foreign key on MariaDB and TiDB, and only such unique keys as hold the partition's column: so a number is unique in
`order_claims`, which has a row for each order.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
)

from caddy_shopping.contexts.orders.domain.order import OrderStatus
from caddy_shopping.contexts.orders.domain.parts import Address, RefundPart, RefundStatus
from caddy_shopping.platform.db.partitions import by_year, complete
from caddy_shopping.platform.db.tables import PlatformTables
from caddy_shopping.platform.db.types import Enumeration, Id, Json, UtcDateTime

metadata = MetaData()
platform_tables = PlatformTables.of(metadata, "orders")

cart_items = Table(
    "cart_items",
    metadata,
    Column("id", Id, primary_key=True),
    Column("customer_user_id", Id, nullable=False),
    Column("variant_id", Id, nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("select_flag", SmallInteger, nullable=False),
    Column("del_flag", SmallInteger, nullable=False),
    Column("price_amount", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("added_at", UtcDateTime, nullable=False),
    Column("version", Integer, nullable=False),
    Index("uq_cart_items_user_variant", "customer_user_id", "variant_id", unique=True),
    Index("idx_cart_items_user_status", "customer_user_id", "select_flag", "del_flag"),
)

orders = Table(
    "orders",
    metadata,
    Column("id", Id, primary_key=True),
    Column("number", String(16), nullable=False),
    Column("user_id", Id, nullable=False),
    Column("email", String(320), nullable=False),
    Column("language", String(8), nullable=False),
    Column("status", Enumeration(OrderStatus), nullable=False),
    Column("currency", String(3), nullable=False),
    Column("subtotal_amount", BigInteger, nullable=False),
    Column("shipping_amount", BigInteger, nullable=False),
    Column("tax_amount", BigInteger, nullable=False),
    Column("total_amount", BigInteger, nullable=False),
    Column("paid_amount", BigInteger, nullable=False),
    Column("refunded_amount", BigInteger, nullable=False),
    Column("tax_included", Boolean, nullable=False),
    Column("shipping_method", String(64)),
    Column("address", Json(Address)),
    Column("note", Text),
    Column("placed_at", UtcDateTime, nullable=False),
    Column("placed_by", Id),
    Column("placed_as", String(16)),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("payment_id", Id),
    Column("paid_at", UtcDateTime),
    Column("carrier", String(100)),
    Column("tracking_number", String(100)),
    Column("cancel_reason", String(500)),
    Column("version", Integer, nullable=False),
    Index("idx_orders_user_status", "user_id", "status"),
    Index("idx_orders_status_expires", "status", "expires_at"),
    Index("idx_orders_status_placed", "status", "placed_at", "id"),
    Index("idx_orders_placed", "placed_at", "id"),
    Index("idx_orders_email", "email"),
    **by_year("id"),
)

order_lines = Table(
    "order_lines",
    metadata,
    Column("order_id", Id, primary_key=True),
    Column("id", Id, primary_key=True),
    Column("position", SmallInteger, nullable=False),
    Column("variant_id", Id, nullable=False),
    Column("product_id", Id, nullable=False),
    Column("sku", String(255), nullable=False),
    Column("title", String(500), nullable=False),
    Column("options", Json(list[str]), nullable=False),
    Column("image_url", String(2048)),
    Column("quantity", Integer, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("unit_price_amount", BigInteger, nullable=False),
    Column("tax_rate", String(16), nullable=False),
    Column("tax_amount", BigInteger, nullable=False),
    Column("total_amount", BigInteger, nullable=False),
    Column("returned", Integer, nullable=False),
    Column("restocked", Integer, nullable=False),
    **by_year("order_id"),
)

order_refunds = Table(
    "order_refunds",
    metadata,
    Column("order_id", Id, primary_key=True),
    Column("id", Id, primary_key=True),
    Column("payment_id", Id),
    Column("amount", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("reason", String(500), nullable=False),
    Column("surplus", Boolean, nullable=False),
    Column("parts", Json(list[RefundPart]), nullable=False),
    Column("requested_at", UtcDateTime, nullable=False),
    Column("requested_by", Id),
    Column("status", Enumeration(RefundStatus), nullable=False),
    Column("settled_at", UtcDateTime),
    Column("failure", Text),
    **by_year("order_id"),
)

order_history = Table(
    "order_history",
    metadata,
    Column("order_id", Id, primary_key=True),
    Column("id", Id, primary_key=True),
    Column("at", UtcDateTime, nullable=False),
    Column("actor_id", Id),
    Column("actor_role", String(16), nullable=False),
    Column("action", String(32), nullable=False),
    Column("detail", Text),
    **by_year("order_id"),
)

order_claims = Table(
    "order_claims",
    metadata,
    Column("order_id", Id, primary_key=True),
    Column("outcome", String(8), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("number", String(16)),
    Index("uq_order_claims_number", "number", unique=True),
    Index("idx_order_claims_outcome", "outcome", "at"),
)

YEARS = {"orders": "id", "order_lines": "order_id", "order_refunds": "order_id", "order_history": "order_id"}
"""Each partitioned table's column whose year counts."""
complete(*(metadata.tables[name] for name in YEARS))

"""The catalogue's tables.

`product_labels` holds one row for each thing that an *active* product can be filtered by, together with what
it can be sorted by: so every filter comes out of an index in every sort order, whatever the size of the
catalogue. `product_texts` is what search reads; SQLite (FTS5, by triggers) and PostgreSQL (pg_trgm) keep an index
of all its trigrams.
"""

from sqlalchemy import (
    DDL,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    event,
)
from sqlalchemy.dialects import mysql
from sqlalchemy.types import TypeEngine

from caddy_shopping.contexts.products.domain.product import Image, Status
from caddy_shopping.contexts.products.domain.stock import Reason, State
from caddy_shopping.platform.db.tables import PlatformTables, Sequence
from caddy_shopping.platform.db.types import Enumeration, Id, Json, UtcDateTime

metadata = MetaData()
platform_tables = PlatformTables.of(metadata, "products")

# Paths are compared byte by byte on every database: a linguistic order would break the prefix look-up.
Path = (
    String(270)
    .with_variant(String(270, collation="C"), "postgresql")
    .with_variant(mysql.VARCHAR(270, charset="ascii", collation="ascii_bin"), "mysql", "mariadb")
)


def exact(length: int) -> TypeEngine[str]:
    """Text that is told apart by every letter; MySQL's own default takes `Red` and `red` for one."""
    return String(length).with_variant(
        mysql.VARCHAR(length, charset="utf8mb4", collation="utf8mb4_bin"), "mysql", "mariadb"
    )


LongText = Text().with_variant(mysql.LONGTEXT(), "mysql", "mariadb")
FoldedText = Text().with_variant(mysql.LONGTEXT(charset="utf8mb4", collation="utf8mb4_bin"), "mysql", "mariadb")

categories = Table(
    "categories",
    metadata,
    Column("id", Id, primary_key=True),
    Column("slug", exact(120), nullable=False),
    Column("name", String(160), nullable=False),
    Column("path", Path, nullable=False),
    Column("parent_id", Id, ForeignKey("categories.id")),
    Column("position", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    Index("uq_categories_slug", "slug", unique=True),
    Index("uq_categories_path", "path", unique=True),
    Index("idx_categories_parent", "parent_id"),
)

products = Table(
    "products",
    metadata,
    Column("id", Id, primary_key=True),
    Column("slug", exact(150), nullable=False),
    Column("title", String(255), nullable=False),
    Column("title_key", exact(128), nullable=False),
    Column("vendor", String(160), nullable=False),
    Column("product_type", String(160), nullable=False),
    Column("status", Enumeration(Status), nullable=False),
    Column("is_active", Boolean, nullable=False),
    Column("in_stock", Boolean, nullable=False, default=False),
    Column("category_id", Id, ForeignKey("categories.id")),
    Column("currency", String(3), nullable=False),
    Column("min_price_amount", BigInteger, nullable=False),
    Column("max_price_amount", BigInteger, nullable=False),
    Column("compare_at_amount", BigInteger),
    Column("image_url", String(2048)),
    Column("version", Integer, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("tags", Json(list[str]), nullable=False),
    Column("options", Json(list[str]), nullable=False),
    Column("images", Json(list[Image]), nullable=False),
    Column("seo_title", String(255), nullable=False),
    Column("seo_description", String(1000), nullable=False),
    Column("description", LongText, nullable=False),
    Index("uq_products_slug", "slug", unique=True),
    Index("idx_products_category_active", "category_id", "is_active"),
    Index("idx_products_newest", "is_active", "id", "min_price_amount"),
    Index("idx_products_price", "is_active", "min_price_amount", "id"),
    Index("idx_products_title", "is_active", "title_key", "id", "min_price_amount"),
    Index("idx_products_status", "status", "id"),
)

variants = Table(
    "product_variants",
    metadata,
    Column("id", Id, primary_key=True),
    Column("product_id", Id, ForeignKey("products.id"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("options", Json(list[str]), nullable=False),
    Column("sku", exact(120), nullable=False),
    Column("price_amount", BigInteger, nullable=False),
    Column("compare_at_amount", BigInteger),
    Column("currency", String(3), nullable=False),
    Column("stock", BigInteger, nullable=False),
    Column("reserved", BigInteger, nullable=False),
    Column("sold", BigInteger, nullable=False),
    Column("weight_grams", BigInteger, nullable=False),
    Column("barcode", String(120)),
    Column("taxable", Boolean, nullable=False),
    Column("requires_shipping", Boolean, nullable=False),
    Column("tracked", Boolean, nullable=False),
    Column("oversell", Boolean, nullable=False),
    Column("image_url", String(2048)),
    Column("archived", Boolean, nullable=False),
    Index("uq_product_variants_sku", "sku", unique=True),
    Index("idx_product_variants_product", "product_id", "position"),
    CheckConstraint("stock >= 0", name="ck_product_variants_stock"),
    CheckConstraint("reserved >= 0", name="ck_product_variants_reserved"),
    CheckConstraint("sold >= 0", name="ck_product_variants_sold"),
)

labels = Table(
    "product_labels",
    metadata,
    Column("kind", String(16), primary_key=True),
    Column("value", exact(200), primary_key=True),
    Column("product_id", Id, ForeignKey("products.id"), primary_key=True),
    Column("min_price_amount", BigInteger, nullable=False),
    Column("title_key", exact(128), nullable=False),
    Index("idx_product_labels_price", "kind", "value", "min_price_amount", "product_id"),
    Index("idx_product_labels_title", "kind", "value", "title_key", "product_id"),
    Index("idx_product_labels_product", "product_id", "kind", "value"),
    sqlite_with_rowid=False,
)

texts = Table(
    "product_texts",
    metadata,
    Column("seq", Sequence, primary_key=True, autoincrement=True),
    Column("product_id", Id, ForeignKey("products.id"), nullable=False),
    Column("body", FoldedText, nullable=False),
    Index("uq_product_texts_product", "product_id", unique=True),
    Index("idx_product_texts_trigrams", "body", postgresql_using="gin", postgresql_ops={"body": "gin_trgm_ops"}).ddl_if(
        dialect="postgresql"
    ),
)

# One row for each variant of an order; all rows of an order say the same of its state and times. The position makes a
# second reservation for an order impossible, whatever it is for.
reserved = Table(
    "product_reserved",
    metadata,
    Column("order_id", Id, primary_key=True),
    Column("position", SmallInteger, primary_key=True, autoincrement=False),
    Column("variant_id", Id, ForeignKey("product_variants.id"), nullable=False),
    Column("quantity", BigInteger, nullable=False),
    Column("taken", BigInteger, nullable=False),
    Column("state", Enumeration(State), nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Index("idx_product_reserved_due", "state", "expires_at"),
)

movements = Table(
    "product_stock_movements",
    metadata,
    Column("id", Id, primary_key=True),
    Column("variant_id", Id, ForeignKey("product_variants.id"), nullable=False),
    Column("delta", BigInteger, nullable=False),
    Column("reason", Enumeration(Reason), nullable=False),
    Column("note", String(255), nullable=False),
    Column("reference", String(80)),
    Column("actor_id", Id),
    Column("at", UtcDateTime, nullable=False),
    Index("idx_product_stock_movements_variant", "variant_id", "id"),
    UniqueConstraint("reference", "variant_id", name="uq_product_stock_movements_reference"),
)

# External-content FTS5 with its three triggers, as in the SQLite manual (fts5.html §4.4.3).
for statement in (
    "CREATE VIRTUAL TABLE product_texts_fts USING fts5"
    "(body, content='product_texts', content_rowid='seq', tokenize='trigram')",
    "CREATE TRIGGER product_texts_added AFTER INSERT ON product_texts BEGIN"
    " INSERT INTO product_texts_fts(rowid, body) VALUES (new.seq, new.body); END",
    "CREATE TRIGGER product_texts_removed AFTER DELETE ON product_texts BEGIN"
    " INSERT INTO product_texts_fts(product_texts_fts, rowid, body) VALUES ('delete', old.seq, old.body); END",
    "CREATE TRIGGER product_texts_changed AFTER UPDATE OF body ON product_texts BEGIN"
    " INSERT INTO product_texts_fts(product_texts_fts, rowid, body) VALUES ('delete', old.seq, old.body);"
    " INSERT INTO product_texts_fts(rowid, body) VALUES (new.seq, new.body); END",
):
    event.listen(texts, "after_create", DDL(statement).execute_if(dialect="sqlite"))  # type: ignore[no-untyped-call]
event.listen(
    texts,
    "before_create",
    DDL("CREATE EXTENSION IF NOT EXISTS pg_trgm").execute_if(dialect="postgresql"),  # type: ignore[no-untyped-call]
)

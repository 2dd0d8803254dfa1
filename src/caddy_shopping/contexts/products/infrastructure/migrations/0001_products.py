"""Categories, products with variants, labels and texts, reservations, the stock ledger."""

from contextlib import nullcontext

import sqlalchemy as sa
import structlog
from alembic import context, op
from sqlalchemy.dialects import mysql

from caddy_shopping.platform.db import platform_tables
from caddy_shopping.platform.db.types import Id, Json, UtcDateTime

revision = "products_0001"
down_revision = None
branch_labels = None
depends_on = None

_PATH = (
    sa.String(270)
    .with_variant(sa.String(270, collation="C"), "postgresql")
    .with_variant(mysql.VARCHAR(270, charset="ascii", collation="ascii_bin"), "mysql", "mariadb")
)
_LONG = sa.Text().with_variant(mysql.LONGTEXT(), "mysql", "mariadb")
_FOLDED = sa.Text().with_variant(mysql.LONGTEXT(charset="utf8mb4", collation="utf8mb4_bin"), "mysql", "mariadb")
_SEQUENCE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _exact(length: int) -> sa.types.TypeEngine[str]:
    binary = mysql.VARCHAR(length, charset="utf8mb4", collation="utf8mb4_bin")
    return sa.String(length).with_variant(binary, "mysql", "mariadb")


def upgrade() -> None:
    platform_tables.create("products")
    _create_categories()
    _create_products()
    _create_variants()
    _create_labels()
    _create_texts()
    _create_reservations()
    _create_movements()


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TABLE product_texts_fts")
    for table in (
        "product_stock_movements",
        "product_reservation_lines",
        "product_reservations",
        "product_texts",
        "product_labels",
        "product_variants",
        "products",
        "categories",
    ):
        op.drop_table(table)
    platform_tables.drop("products")


def _create_categories() -> None:
    op.create_table(
        "categories",
        sa.Column("id", Id, primary_key=True),
        sa.Column("slug", _exact(120), nullable=False),
        sa.Column("name", sa.String(160), nullable=False),
        sa.Column("path", _PATH, nullable=False),
        sa.Column("parent_id", Id, sa.ForeignKey("categories.id")),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
    )
    op.create_index("uq_categories_slug", "categories", ["slug"], unique=True)
    op.create_index("uq_categories_path", "categories", ["path"], unique=True)
    op.create_index("idx_categories_parent", "categories", ["parent_id"])


def _create_products() -> None:
    op.create_table(
        "products",
        sa.Column("id", Id, primary_key=True),
        sa.Column("slug", _exact(150), nullable=False),
        sa.Column("title", sa.String(255), nullable=False),
        sa.Column("title_key", _exact(128), nullable=False),
        sa.Column("vendor", sa.String(160), nullable=False),
        sa.Column("product_type", sa.String(160), nullable=False),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("is_active", sa.Boolean, nullable=False),
        sa.Column("in_stock", sa.Boolean, nullable=False),
        sa.Column("category_id", Id, sa.ForeignKey("categories.id")),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("min_price_amount", sa.BigInteger, nullable=False),
        sa.Column("max_price_amount", sa.BigInteger, nullable=False),
        sa.Column("compare_at_amount", sa.BigInteger),
        sa.Column("image_url", sa.String(2048)),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("updated_at", UtcDateTime, nullable=False),
        sa.Column("tags", Json, nullable=False),
        sa.Column("options", Json, nullable=False),
        sa.Column("images", Json, nullable=False),
        sa.Column("seo_title", sa.String(255), nullable=False),
        sa.Column("seo_description", sa.String(1000), nullable=False),
        sa.Column("description", _LONG, nullable=False),
    )
    op.create_index("uq_products_slug", "products", ["slug"], unique=True)
    op.create_index("idx_products_category_active", "products", ["category_id", "is_active"])
    op.create_index("idx_products_newest", "products", ["is_active", "id", "min_price_amount"])
    op.create_index("idx_products_price", "products", ["is_active", "min_price_amount", "id"])
    op.create_index("idx_products_title", "products", ["is_active", "title_key", "id", "min_price_amount"])
    op.create_index("idx_products_status", "products", ["status", "id"])


def _create_variants() -> None:
    op.create_table(
        "product_variants",
        sa.Column("id", Id, primary_key=True),
        sa.Column("product_id", Id, sa.ForeignKey("products.id"), nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("options", Json, nullable=False),
        sa.Column("sku", _exact(120), nullable=False),
        sa.Column("price_amount", sa.BigInteger, nullable=False),
        sa.Column("compare_at_amount", sa.BigInteger),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("stock", sa.BigInteger, nullable=False),
        sa.Column("reserved", sa.BigInteger, nullable=False),
        sa.Column("sold", sa.BigInteger, nullable=False),
        sa.Column("weight_grams", sa.BigInteger, nullable=False),
        sa.Column("barcode", sa.String(120)),
        sa.Column("taxable", sa.Boolean, nullable=False),
        sa.Column("requires_shipping", sa.Boolean, nullable=False),
        sa.Column("tracked", sa.Boolean, nullable=False),
        sa.Column("oversell", sa.Boolean, nullable=False),
        sa.Column("image_url", sa.String(2048)),
        sa.Column("archived", sa.Boolean, nullable=False),
        sa.CheckConstraint("stock >= 0", name="ck_product_variants_stock"),
        sa.CheckConstraint("reserved >= 0", name="ck_product_variants_reserved"),
        sa.CheckConstraint("sold >= 0", name="ck_product_variants_sold"),
    )
    op.create_index("uq_product_variants_sku", "product_variants", ["sku"], unique=True)
    op.create_index("idx_product_variants_product", "product_variants", ["product_id", "position"])


def _create_labels() -> None:
    op.create_table(
        "product_labels",
        sa.Column("kind", sa.String(16), primary_key=True),
        sa.Column("value", _exact(200), primary_key=True),
        sa.Column("product_id", Id, sa.ForeignKey("products.id"), primary_key=True),
        sa.Column("min_price_amount", sa.BigInteger, nullable=False),
        sa.Column("title_key", _exact(128), nullable=False),
        sqlite_with_rowid=False,
    )
    sorted_by = ["kind", "value", "min_price_amount", "product_id"]
    op.create_index("idx_product_labels_price", "product_labels", sorted_by)
    op.create_index("idx_product_labels_title", "product_labels", ["kind", "value", "title_key", "product_id"])
    op.create_index("idx_product_labels_product", "product_labels", ["product_id", "kind", "value"])


def _create_texts() -> None:
    op.create_table(
        "product_texts",
        sa.Column("seq", _SEQUENCE, primary_key=True, autoincrement=True),
        sa.Column("product_id", Id, sa.ForeignKey("products.id"), nullable=False),
        sa.Column("body", _FOLDED, nullable=False),
    )
    op.create_index("uq_product_texts_product", "product_texts", ["product_id"], unique=True)
    if op.get_bind().dialect.name == "sqlite":
        _create_full_text()
    if op.get_bind().dialect.name == "postgresql":
        _create_trigrams()


def _create_full_text() -> None:
    # External-content FTS5 with its three triggers, as in the SQLite manual (fts5.html §4.4.3).
    op.execute(
        "CREATE VIRTUAL TABLE product_texts_fts USING fts5"
        "(body, content='product_texts', content_rowid='seq', tokenize='trigram')"
    )
    add = "INSERT INTO product_texts_fts(rowid, body) VALUES (new.seq, new.body);"
    remove = "INSERT INTO product_texts_fts(product_texts_fts, rowid, body) VALUES ('delete', old.seq, old.body);"
    op.execute(f"CREATE TRIGGER product_texts_added AFTER INSERT ON product_texts BEGIN {add} END")
    op.execute(f"CREATE TRIGGER product_texts_removed AFTER DELETE ON product_texts BEGIN {remove} END")
    op.execute(f"CREATE TRIGGER product_texts_changed AFTER UPDATE OF body ON product_texts BEGIN {remove} {add} END")


def _create_trigrams() -> None:
    """Search is right without this index, but then reads every text: not having the extension is no reason to stop."""
    bind = op.get_bind()
    try:
        with nullcontext() if context.is_offline_mode() else bind.begin_nested():
            op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    except sa.exc.DBAPIError as fault:
        structlog.get_logger("migrate").warning(
            "products.search-without-index",
            remedy="as a superuser: CREATE EXTENSION pg_trgm; CREATE INDEX idx_product_texts_trigrams"
            " ON product_texts USING gin (body gin_trgm_ops)",
            error=str(fault.orig),
        )
        return
    op.create_index(
        "idx_product_texts_trigrams",
        "product_texts",
        ["body"],
        postgresql_using="gin",
        postgresql_ops={"body": "gin_trgm_ops"},
    )


def _create_reservations() -> None:
    op.create_table(
        "product_reservations",
        sa.Column("order_id", Id, primary_key=True),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("expires_at", UtcDateTime, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
    )
    op.create_index("idx_product_reservations_due", "product_reservations", ["state", "expires_at"])
    op.create_table(
        "product_reservation_lines",
        sa.Column("order_id", Id, sa.ForeignKey("product_reservations.order_id"), primary_key=True),
        sa.Column("variant_id", Id, sa.ForeignKey("product_variants.id"), primary_key=True),
        sa.Column("quantity", sa.BigInteger, nullable=False),
        sa.Column("taken", sa.BigInteger, nullable=False),
    )


def _create_movements() -> None:
    op.create_table(
        "product_stock_movements",
        sa.Column("id", Id, primary_key=True),
        sa.Column("variant_id", Id, sa.ForeignKey("product_variants.id"), nullable=False),
        sa.Column("delta", sa.BigInteger, nullable=False),
        sa.Column("reason", sa.String(32), nullable=False),
        sa.Column("note", sa.String(255), nullable=False),
        sa.Column("reference", sa.String(80)),
        sa.Column("actor_id", Id),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.UniqueConstraint("reference", "variant_id", name="uq_product_stock_movements_reference"),
    )
    op.create_index("idx_product_stock_movements_variant", "product_stock_movements", ["variant_id", "id"])

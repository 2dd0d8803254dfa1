"""What a large shop is filled with, as SQL expressions of a number `i` (`bulk_words.py`)."""

from collections.abc import Mapping

from tests.support.bulk_words import PRODUCT, USER, VARIANT, Scale, Words

USERS_SHARE = 10
Columns = Mapping[str, str]


def tables(w: Words, scale: Scale) -> list[tuple[str, int, Columns]]:
    now, users, tenth = w.at(w.when), max(scale.orders // USERS_SHARE, 10), scale.orders // 10
    product, order, user = w.id(PRODUCT), w.id(1, ms=w.when), w.id(USER, f"i % {users}")
    key = w.join("'thing '", "i")
    price = "(i * 7919) % 100000"
    label = {"product_id": product, "min_price_amount": price, "title_key": key}
    amounts = {f"{name}_amount": "100" for name in ("subtotal", "shipping", "tax", "total", "paid", "refunded")}
    status = "CASE WHEN i % 1000 = 7 THEN 'PENDING_PAYMENT' WHEN i % 50 = 1 THEN 'PAID' ELSE 'COMPLETED' END"
    words = {"currency": "'CNY'"}
    return [
        (
            "users",
            users,
            {
                "id": w.id(USER),
                "role": "'customer'",
                "language": "'en'",
                "email": w.join("'u'", "i", "'@x.y'"),
                "email_key": w.join("'u'", "i", "'@x.y'"),
                "name": w.join("'User '", "i"),
                "permissions": "'[]'",
                "created_at": now,
                "version": "1",
            },
        ),
        ("user_sessions", users, {"id": w.id(20), "user_id": w.id(USER), "created_at": now, "expires_at": now}),
        (
            "user_addresses",
            users,
            {
                "id": w.id(21),
                "user_id": w.id(USER),
                "name": "'n'",
                "country": "'CN'",
                "city": "'c'",
                "line1": "'l'",
                "is_default": w.true(),
                "created_at": now,
            },
        ),
        (
            "products",
            scale.products,
            {
                "id": product,
                "slug": w.join("'thing-'", "i"),
                "title": key,
                "title_key": key,
                "vendor": "'v'",
                "product_type": "'t'",
                "status": "CASE WHEN i % 20 = 0 THEN 'draft' ELSE 'active' END",
                "is_active": w.true("i % 20 <> 0"),
                "in_stock": w.true("i % 5 <> 0"),
                "min_price_amount": price,
                "max_price_amount": price,
                "version": "1",
                "created_at": now,
                "updated_at": now,
                "tags": "'[]'",
                "options": "'[]'",
                "images": "'[]'",
                "seo_title": "''",
                "seo_description": "''",
                "description": "'words and words and words'",
            }
            | words,
        ),
        (
            "product_variants",
            scale.products,
            {
                "id": w.id(VARIANT),
                "product_id": product,
                "position": "0",
                "options": "'[]'",
                "sku": w.join("'SKU-'", "i"),
                "price_amount": price,
                "stock": "5",
                "reserved": "0",
                "sold": "0",
                "weight_grams": "1",
                "taxable": w.true(),
                "requires_shipping": w.true(),
                "tracked": w.true(),
                "oversell": w.true("1 = 0"),
                "archived": w.true("1 = 0"),
            }
            | words,
        ),
        *(
            (
                "product_labels",
                scale.products,
                {"kind": f"'{kind}'", "value": w.join(f"'{kind}-'", f"i % {values}")} | label,
            )
            for kind, values in (("vendor", 50), ("type", 10), ("category", 20), ("tag", 100))
        ),
        ("product_labels", scale.products, {"kind": "'option'", "value": w.join("'Size:'", "i % 4")} | label),
        (
            "product_texts",
            scale.products,
            {"product_id": product, "body": w.join(key, "' 纯棉衬衫'", "i % 500", "' shirt'", "i % 500", "'x'")},
        ),
        (
            "product_stock_movements",
            scale.products,
            {"id": w.id(22), "variant_id": w.id(VARIANT), "delta": "5", "reason": "'opening'", "note": "''", "at": now},
        ),
        (
            "product_reserved",
            tenth,
            {
                "order_id": order,
                "position": "0",
                "variant_id": w.id(VARIANT, f"i % {scale.products}"),
                "quantity": "1",
                "taken": "1",
                "state": "CASE WHEN i % 1000 = 7 THEN 'held' ELSE 'sold' END",
                "expires_at": now,
                "created_at": now,
            },
        ),
        (
            "cart_items",
            tenth,
            {
                "id": w.id(23),
                "customer_user_id": user,
                "variant_id": w.id(VARIANT, "i"),
                "quantity": "1",
                "select_flag": "1",
                "del_flag": "i % 2",
                "price_amount": "1",
                "added_at": now,
                "version": "1",
            }
            | words,
        ),
        (
            "orders",
            scale.orders,
            {
                "id": order,
                "number": w.join("'N'", "i"),
                "user_id": user,
                "email": w.join("'u'", f"i % {users}", "'@x.y'"),
                "language": "'en'",
                "status": status,
                **amounts,
                "tax_included": w.true(),
                "placed_at": now,
                "expires_at": now,
                "version": "1",
            }
            | words,
        ),
        (
            "order_claims",
            scale.orders,
            {"order_id": order, "outcome": "'placed'", "at": now, "number": w.join("'N'", "i")},
        ),
        (
            "order_lines",
            scale.orders,
            {
                "order_id": order,
                "id": w.id(5),
                "position": "0",
                "variant_id": w.id(VARIANT, f"i % {scale.products}"),
                "product_id": w.id(PRODUCT, f"i % {scale.products}"),
                "sku": "'s'",
                "title": "'t'",
                "options": "'[]'",
                "quantity": "1",
                "unit_price_amount": "1",
                "tax_rate": "'0'",
                "tax_amount": "0",
                "total_amount": "1",
                "returned": "0",
                "restocked": "0",
            }
            | words,
        ),
        (
            "order_history",
            scale.orders,
            {"order_id": order, "id": w.id(6), "at": now, "actor_role": "'customer'", "action": "'placed'"},
        ),
        (
            "order_refunds",
            tenth,
            {
                "order_id": order,
                "id": w.id(7),
                "amount": "1",
                "reason": "''",
                "surplus": w.true("1 = 0"),
                "parts": "'[]'",
                "requested_at": now,
                "status": "'DONE'",
            }
            | words,
        ),
        (
            "payments",
            tenth,
            {
                "id": w.id(8, ms=w.when),
                "order_id": order,
                "order_number": w.join("'N'", "i"),
                "user_id": user,
                "provider": "'sandbox'",
                "method": "'card'",
                "total_amount": "1",
                "captured_amount": "1",
                "refunded_amount": "0",
                "status": "CASE WHEN i % 1000 = 7 THEN 'PENDING' ELSE 'SUCCEEDED' END",
                "created_at": now,
                "checked_at": now,
                "version": "1",
            }
            | words,
        ),
        (
            "payment_webhooks",
            tenth,
            {
                "id": w.id(9),
                "provider": "'sandbox'",
                "event_id": w.join("'e'", "i"),
                "type": "'t'",
                "payment_id": w.id(8, ms=w.when),
                "body": w.blob("{}"),
                "notice": w.blob("{}"),
                "received_at": now,
                "retry_at": now,
                "processed_at": now,
                "attempts": "1",
            },
        ),
        (
            "payment_refunds",
            tenth,
            {
                "id": w.id(10),
                "payment_id": w.id(8, ms=w.when),
                "order_id": order,
                "total_amount": "1",
                "reason": "''",
                "status": "CASE WHEN i % 1000 = 7 THEN 'PENDING' ELSE 'SUCCEEDED' END",
                "created_at": now,
                "checked_at": now,
                "version": "1",
            }
            | words,
        ),
        (
            "notifications",
            tenth,
            {
                "id": w.id(11, ms=w.when),
                "user_id": user,
                "kind": "'welcome'",
                "data": '\'{"name": "Ada"}\'',
                "created_at": now,
            },
        ),
        (
            "notifications_emails",
            tenth,
            {
                "id": w.id(12, ms=w.when),
                "user_id": user,
                "address": w.join("'u'", "i", "'@x.y'"),
                "template": "'order_placed'",
                "language": "'en'",
                "data": "'{}'",
                "message_id": w.join("'m'", "i"),
                "status": "CASE WHEN i % 1000 = 7 THEN 'QUEUED' ELSE 'SENT' END",
                "attempts": "1",
                "next_attempt_at": now,
                "created_at": now,
                "sent_at": now,
            },
        ),
        (
            "orders_outbox",
            tenth,
            {
                "event_id": w.id(13),
                "type": "'OrderPlaced'",
                "schema_version": "1",
                "event_key": order,
                "payload": w.blob("{}"),
                "occurred_at": now,
                "published_at": f"CASE WHEN i % 1000 = 7 THEN NULL ELSE {now} END",
            },
        ),
        ("orders_inbox", tenth, {"consumer": "'orders.paid'", "event_id": w.id(13), "handled_at": now}),
        (
            "orders_idempotency",
            tenth,
            {
                "scope": w.join("'u'", "i", "' POST /x'"),
                "idempotency_key": w.join("'k'", "i"),
                "fingerprint": w.blob("f" * 32),
                "owner": w.id(14),
                "locked_until": now,
                "status": "201",
                "created_at": now,
            },
        ),
    ]

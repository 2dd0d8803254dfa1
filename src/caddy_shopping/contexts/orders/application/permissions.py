"""What staff must be allowed to do to work on orders."""

MANAGE = "orders:manage"

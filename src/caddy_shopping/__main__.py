"""`python -m caddy_shopping` is `caddy-shopping`."""

from caddy_shopping.main.cli import main

main()

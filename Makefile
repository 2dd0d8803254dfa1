# Thin on purpose: every target is one command, the work is done in scripts/ and in `caddy-shopping`.
.DEFAULT_GOAL := help
.PHONY: help serve services cluster test lint format bench openapi lock clean

help: ## Show this list
	@sed -n 's/^\([a-z]*\):.*## /\1|/p' Makefile | while IFS='|' read -r name text; do printf '  make %-8s %s\n' "$$name" "$$text"; done

serve: .venv/.runtime ## Serve the shop on http://127.0.0.1:3000 (sets itself up at the first start)
	@.venv/bin/caddy-shopping serve

services: .venv/.development ## Start the servers at hand, until Ctrl-C
	@.venv/bin/python -m tests.support.services

cluster: .venv/.development ## Run the shop as five services behind a gateway, with all their servers, on port 3000
	@.venv/bin/python -m deploy.cluster

test: .venv/.development ## Run every check that this machine can run
	@scripts/test

lint: .venv/.development ## Only the checks that read the code: ruff, mypy, import-linter
	@scripts/lint

format: .venv/.development ## Format the code and mend what ruff can mend
	@.venv/bin/ruff check --fix --quiet . ; .venv/bin/ruff format .

bench: .venv/.development ## Measure (takes minutes, needs wrk)
	@.venv/bin/python -m benchmarks

openapi: .venv/.development ## Take the present API and events over into the snapshots that the tests compare
	@.venv/bin/caddy-shopping openapi --output tests/architecture/openapi.json
	@.venv/bin/caddy-shopping asyncapi --output tests/architecture/asyncapi.json

lock: ## Pin all dependencies anew (needs uv)
	@scripts/lock

clean: ## Remove what was built, not what was sold (var/ stays)
	@rm -rf .venv .mypy_cache .ruff_cache .hypothesis .coverage .coverage.* .import_linter_cache dist
	@find src tests benchmarks deploy -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/.runtime: requirements.lock pyproject.toml
	@scripts/setup runtime

.venv/.development: requirements-dev.lock pyproject.toml
	@scripts/setup development

# The shop, as one process or as any of its services: `caddy-shopping` is the entry, `serve` what it does unless told.
# What it keeps lies in /var/lib/shop. scripts/image builds and tries it without an engine or a registry.
#
# BASE_IMAGE: Debian or a child of it, with Python 3.11 or newer as python3, and its venv.
ARG BASE_IMAGE=python:3.13-slim-bookworm

FROM ${BASE_IMAGE} AS build
# Debian keeps only the newest build of a package, so a pinned one is soon not to be had.
# hadolint ignore=DL3008
RUN apt-get update && apt-get install --yes --no-install-recommends binutils && rm -rf /var/lib/apt/lists/*
# Where packages come from, for those who have a mirror: --build-arg PIP_INDEX_URL=… --build-arg PIP_CERT=…
ARG PIP_INDEX_URL
ARG PIP_CERT
ENV PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_ROOT_USER_ACTION=ignore
WORKDIR /build
COPY requirements.lock .
# What only compilers and debuggers read goes again: more than a third of it all. The libraries that wheels bring
# along (*.libs) were patched by whoever made the wheel, and are left as they are.
RUN python3 -m venv /opt/shop \
    && /opt/shop/bin/pip install --require-hashes --no-deps -r requirements.lock \
    && find /opt/shop -name '*.c' -delete \
    && find /opt/shop -name '*.so' -not -path '*.libs/*' -exec strip --strip-debug {} +
# After the dependencies, which change more seldom.
COPY pyproject.toml README.md LICENSE ./
COPY src src
RUN /opt/shop/bin/pip install --no-deps --no-build-isolation --no-index . \
    && /opt/shop/bin/pip uninstall --quiet --yes hatchling editables setuptools pip

FROM ${BASE_IMAGE}
LABEL org.opencontainers.image.title="caddy-shopping-backend" \
      org.opencontainers.image.description="A shop backend, as one process or as five services" \
      org.opencontainers.image.licenses="MIT"
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends tini \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt \
    && useradd --uid 10001 --user-group --no-log-init --no-create-home --home-dir /var/lib/shop --shell /usr/sbin/nologin shop \
    && install --directory --owner shop --group shop --mode 0700 /var/lib/shop
COPY --from=build /opt/shop /opt/shop
ENV PATH=/opt/shop/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    SHOP_DATA_DIR=/var/lib/shop \
    SHOP_ENVIRONMENT=production \
    SHOP_HOST=0.0.0.0 \
    SHOP_PORT=3000
# A number, so that an orchestrator can see that it is not root.
USER 10001:10001
WORKDIR /var/lib/shop
VOLUME /var/lib/shop
EXPOSE 3000
# For those who serve. A worker is asked on a port of its own: `worker --port 9100`.
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --retries=3 \
    CMD ["python3", "-c", "import os, urllib.request; urllib.request.urlopen(f\"http://127.0.0.1:{os.environ['SHOP_PORT']}/api/health\", timeout=2)"]
ENTRYPOINT ["tini", "--", "caddy-shopping"]
CMD ["serve"]

# One image for all roles; the command chooses which:
#
#   worker    docker run meme-generator                      (the default: FastStream, probes on METRICS_ADDR)
#   gateway   docker run -p 8000:8000 meme-generator \
#               uvicorn --factory memebattle.gateway.app:create_app --host 0.0.0.0 --port 8000
#             or `python -m memebattle.gateway`, which reads GATEWAY_ADDR and SHUTDOWN_GRACE as well
#   cli       docker run meme-generator memebattle --help
#
# What runs was named by requirements.lock with its hash, apart from our own wheel, and nothing is fetched at
# run time. The final stage has no compiler, no uv and no writable place of its own: it runs as 65532 on a
# read-only root (`docker run --read-only --tmpfs /tmp`). `make image-rehearsal` takes the same steps by hand,
# and adds up the megabytes: 200 are the limit.
#
# Any builder will do, the one without BuildKit inside minikube too. Every locked package has a wheel for both
# architectures: docker buildx build --platform linux/amd64,linux/arm64 .

# --- the web page --------------------------------------------------------------------------------------
FROM node:24-bookworm-slim AS page
WORKDIR /src/frontend
COPY frontend/package.json frontend/package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY frontend/ ./
COPY asyncapi/types.ts /src/asyncapi/types.ts
RUN npm run build

# --- the environment: locked dependencies first, so that a change of ours does not fetch them again -----
FROM python:3.13-slim-bookworm AS builder
ENV UV_LINK_MODE=copy UV_NO_CACHE=1 UV_PYTHON_DOWNLOADS=never
# `strip`, of whatever version: it stays in this stage
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install --yes --no-install-recommends binutils \
 && rm -rf /var/lib/apt/lists/*
RUN pip install --no-cache-dir --disable-pip-version-check uv==0.13.8 \
 && uv venv --python /usr/local/bin/python3 /opt/memebattle
ENV VIRTUAL_ENV=/opt/memebattle
WORKDIR /src
COPY requirements.lock ./
# compiled here: a read-only root cannot keep bytecode, and a worker scaled from zero should not make it anew
RUN uv pip sync --require-hashes --compile-bytecode requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY memebattle/ memebattle/
COPY helm/memebattle/ helm/memebattle/
COPY --from=page /src/memebattle/gateway/static/app/ memebattle/gateway/static/app/
COPY scripts/slim-environment.sh scripts/
RUN uv build --wheel --out-dir /tmp/dist \
 && uv pip install --no-deps --compile-bytecode /tmp/dist/*.whl \
 && sh scripts/slim-environment.sh /opt/memebattle

# --- what runs -----------------------------------------------------------------------------------------
FROM python:3.13-slim-bookworm
COPY --from=builder /opt/memebattle /opt/memebattle
ENV PATH=/opt/memebattle/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOME=/tmp
WORKDIR /tmp
# by number: Kubernetes' runAsNonRoot cannot look up a name
USER 65532:65532
EXPOSE 9090 8000
# The worker's own probe. The gateway answers /livez on its own port; compose.yaml and the chart ask there.
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as web; port = os.environ.get('METRICS_ADDR', ':9090').rpartition(':')[2]; web.urlopen(f'http://127.0.0.1:{port}/livez', timeout=2)"]
# exec form: SIGTERM reaches FastStream, which finishes what it has in work
CMD ["faststream", "run", "memebattle.worker:create_app", "--factory"]
# last, so that a new revision alone makes no new layers; where the source is, says whoever publishes the image
ARG VERSION=dev
ARG REVISION=unknown
LABEL org.opencontainers.image.title="memebattle" \
      org.opencontainers.image.description="Event-driven generative AI on NATS: one request, exactly one answer" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"

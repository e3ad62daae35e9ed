# The workstation's image: training, evaluating and exporting, with the whole checkout's commands.
#
#   docker build -f docker/train.Dockerfile -t saliedge-train .
#
# torch comes without CUDA; `--build-arg TORCH_INDEX=https://pypi.org/simple` takes the build for GPUs,
# which weighs gigabytes more.

# As in edge.Dockerfile.
ARG BASE=docker.io/library/debian:trixie-slim@sha256:a29215f6a35e51e22adffa17f89e9d2ef06214e64a2bad10d765c46aea49f11f

# One stage: the environment weighs gigabytes, and a stage of its own would write each of them twice.
FROM ${BASE} AS train
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates python3 python3-venv \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --create-home --home-dir /work --shell /usr/sbin/nologin saliedge
WORKDIR /usr/src/saliedge
# The gigabytes first: they are made anew only when a dependency changes.
COPY pyproject.toml constraints.txt ./
COPY .ci/dependencies.py .ci/
# From this index alone: beside another one, pip would take the build with CUDA where it is away.
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
RUN python3 -m venv /opt/saliedge \
    && /opt/saliedge/bin/pip install --quiet --no-cache-dir --no-deps \
        --index-url "${TORCH_INDEX}" --constraint constraints.txt torch torchvision \
    && python3 .ci/dependencies.py workstation >/tmp/requirements.txt \
    && /opt/saliedge/bin/pip install --quiet --no-cache-dir \
        --requirement /tmp/requirements.txt --constraint constraints.txt \
    && rm /tmp/requirements.txt
# The studies and the demo, which the wheel leaves out, are run from here.
COPY README.md LICENSE ./
COPY edge_runtime edge_runtime
COPY train train
COPY export export
COPY benchmarks benchmarks
RUN /opt/saliedge/bin/pip install --quiet --no-cache-dir --no-deps . \
    && /opt/saliedge/bin/pip uninstall --quiet --yes pip \
    && rm -rf build ./*.egg-info

ARG VERSION=unknown
ARG REVISION=unknown
ARG CREATED=unknown
LABEL org.opencontainers.image.title="saliedge train" \
    org.opencontainers.image.description="Training and exporting INT8 classifiers that explain themselves" \
    org.opencontainers.image.licenses="Apache-2.0" \
    org.opencontainers.image.version="${VERSION}" \
    org.opencontainers.image.revision="${REVISION}" \
    org.opencontainers.image.created="${CREATED}"

ENV PATH=/opt/saliedge/bin:/usr/bin:/bin \
    LANG=C.UTF-8 \
    PYTHONPATH=/usr/src/saliedge \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    ORT_DISABLE_TELEMETRY=1
USER 10001:10001
WORKDIR /work
VOLUME /work
# Nothing listens in it, and it ends when its work does: there is no health to ask for.
HEALTHCHECK NONE
ENTRYPOINT ["saliedge"]
CMD ["--help"]

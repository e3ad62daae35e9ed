# The device's image, for arm64 and amd64: Debian's Python, one INT8 engine, saliedge, nothing else.
#
#   docker buildx build -f docker/edge.Dockerfile --platform linux/arm64 -t saliedge-edge .
#
# Everything is put together on the builder's own processor: packages are unpacked, wheels installed,
# and no program of the target is run, so that no emulator is needed. The last stage starts from
# nothing: it has no shell, no package manager, no pip and no compiler.

# Debian trixie by digest (an index of all architectures): docs/how-to/containers.md says how to renew it.
ARG BASE=docker.io/library/debian:trixie-slim@sha256:a29215f6a35e51e22adffa17f89e9d2ef06214e64a2bad10d765c46aea49f11f

FROM --platform=${BUILDPLATFORM} ${BASE} AS build
# The newest of Debian's packages are wanted; what they are stands in the image's package records.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends \
        ca-certificates mmdebstrap python3 python3-pip python3-venv \
    && rm -rf /var/lib/apt/lists/*

# Debian's part of the image.
ARG TARGETARCH
COPY docker/debian_root.sh /build/
RUN /build/debian_root.sh "${TARGETARCH}" /root-of-image

# The wheel of this checkout.
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY edge_runtime edge_runtime
COPY train train
COPY export export
COPY benchmarks benchmarks
RUN python3 -m pip wheel --quiet --no-cache-dir --no-deps --wheel-dir /wheel .

# Its environment: pinned versions, bytecode included, since nothing can be written later.
ARG EXTRAS=litert,mqtt,web
COPY constraints.txt ./
COPY .ci/device_tree.py .ci/
RUN python3 .ci/device_tree.py --architecture "${TARGETARCH}" --suite trixie \
        --wheel /wheel/*.whl --extras "${EXTRAS}" --compile --out /opt/saliedge

# What is in it, as CycloneDX; the builder's Python reads the environment's package records.
FROM build AS inventory
ARG CYCLONEDX=7.5.0
RUN python3 -m venv /opt/cyclonedx \
    && /opt/cyclonedx/bin/pip install --quiet --no-cache-dir "cyclonedx-bom==${CYCLONEDX}" \
    && /opt/cyclonedx/bin/cyclonedx-py environment /opt/saliedge/bin/python \
        --output-reproducible --output-file /sbom.cdx.json

# `--target sbom --output DIR` writes it without an image.
FROM scratch AS sbom
COPY --from=inventory /sbom.cdx.json /

FROM scratch AS edge
COPY --from=build /root-of-image /
COPY --from=build /opt/saliedge /opt/saliedge
COPY --from=inventory /sbom.cdx.json /usr/share/saliedge/
COPY docker/edge-infer.toml /etc/saliedge/
COPY --from=build --chown=10001:10001 /build/state /var/lib/saliedge

ARG VERSION=unknown
ARG REVISION=unknown
ARG CREATED=unknown
LABEL org.opencontainers.image.title="saliedge edge" \
    org.opencontainers.image.description="INT8 image classification that explains itself, beside a camera" \
    org.opencontainers.image.licenses="Apache-2.0" \
    org.opencontainers.image.version="${VERSION}" \
    org.opencontainers.image.revision="${REVISION}" \
    org.opencontainers.image.created="${CREATED}"

ENV PATH=/opt/saliedge/bin:/usr/bin \
    LANG=C.UTF-8 \
    PYTHONUNBUFFERED=1 \
    ORT_DISABLE_TELEMETRY=1 \
    SALIEDGE_STATE=/var/lib/saliedge
USER 10001:10001
WORKDIR /var/lib/saliedge
VOLUME /var/lib/saliedge
HEALTHCHECK --interval=30s --timeout=30s --start-period=120s --retries=3 \
    CMD ["saliedge", "health"]
ENTRYPOINT ["edge-infer"]
CMD ["--config", "/etc/saliedge/edge-infer.toml"]

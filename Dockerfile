# syntax=docker/dockerfile:1
# The image that takes the place of Istio's: docker buildx build --platform linux/amd64,linux/arm64 -t NAME .
# Native code is compiled by the SDK of the platform it is for, so building the other one needs an emulator or a machine
# of that kind.
FROM mcr.microsoft.com/dotnet/sdk:10.0-noble AS build
RUN apt-get update \
    && apt-get install -y --no-install-recommends clang binutils zlib1g-dev jq \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY global.json Directory.Build.props Directory.Packages.props .editorconfig LICENSE ./
COPY src src
COPY scripts/image-parts.sh scripts/
COPY scripts/licences scripts/licences
# The commit, for 'ztunnel version'; the repository itself is not part of the context.
ARG REVISION=
RUN dotnet publish src/Ztunnel -c Release -o /publish -warnaserror -p:SourceRevisionId="$REVISION" \
    && scripts/image-parts.sh /parts

# Debian 13 has OpenSSL 3.5, which COMPLIANCE_POLICY=pqc needs; its C library is newer than the one compiled against.
FROM debian:trixie-slim AS root
RUN apt-get update \
    && apt-get install -y --no-install-recommends libssl3t64 ca-certificates jq \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY LICENSE Directory.Build.props ./
COPY scripts/image-root.sh scripts/
COPY --from=build /publish/ztunnel /publish/
COPY --from=build /parts /parts
RUN scripts/image-root.sh /publish/ztunnel /image /parts \
    && chroot /image /usr/local/bin/ztunnel version

# Nothing but the proxy, its libraries, and the list of both: no shell, no package manager. Started read-only, as UID 0 and GID 1337, with
# three capabilities; daemonset/README.md says what each is for.
FROM scratch
COPY --from=root /image /
WORKDIR /
# Metric istio_build and config_dump say which Istio the image belongs to.
ARG ISTIO_VERSION=unknown
ENV ISTIO_META_ISTIO_VERSION=$ISTIO_VERSION
# What the proxy sets by itself, here for who looks: continuations run on the threads that poll the sockets.
ENV DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS=1
USER 0:1337
ENTRYPOINT ["/usr/local/bin/ztunnel"]

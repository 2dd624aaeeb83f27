# syntax=docker/dockerfile:1
# The image that takes the place of Istio's: docker buildx build --platform linux/amd64,linux/arm64 -t NAME .
# Native code is compiled by the SDK of the platform it is for, so building the other one needs an emulator or a machine
# of that kind.
FROM mcr.microsoft.com/dotnet/sdk:10.0-noble AS build
RUN apt-get update \
    && apt-get install -y --no-install-recommends clang binutils zlib1g-dev libssl3t64 ca-certificates \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY global.json Directory.Build.props Directory.Packages.props .editorconfig LICENSE ./
COPY src src
COPY scripts/image-root.sh scripts/
# The commit, for 'ztunnel version'; the repository itself is not part of the context.
ARG REVISION=
RUN dotnet publish src/Ztunnel -c Release -o /publish -warnaserror -p:SourceRevisionId="$REVISION" \
    && scripts/image-root.sh /publish/ztunnel /image

FROM scratch
COPY --from=build /image /
WORKDIR /
# Metric istio_build and config_dump say which Istio the image belongs to.
ARG ISTIO_VERSION=unknown
ENV ISTIO_META_ISTIO_VERSION=$ISTIO_VERSION
ENTRYPOINT ["/usr/local/bin/ztunnel"]

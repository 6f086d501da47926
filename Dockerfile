# syntax=docker/dockerfile:1
# The server with the web app inside it. `docker compose build` or `docker build .`; nothing else to install.

FROM node:24-bookworm-slim AS node

FROM rust:1.95-bookworm AS build
# Clang compiles the browser's SQLite to WASM.
RUN apt-get update \
 && apt-get install -y --no-install-recommends clang llvm \
 && rm -rf /var/lib/apt/lists/* \
 && rustup target add wasm32-unknown-unknown
COPY --from=node /usr/local/bin/node /usr/local/bin/node
COPY --from=node /usr/local/lib/node_modules /usr/local/lib/node_modules
RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm
WORKDIR /conclave
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/conclave/target \
    --mount=type=cache,target=/conclave/web/node_modules \
    cargo xtask dist server \
 && cp target/dist/conclave-server /usr/local/bin/conclave-server

FROM debian:bookworm-slim
RUN useradd --system --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin conclave \
 && install -d -o conclave -g conclave -m 0700 /data
COPY --from=build /usr/local/bin/conclave-server /usr/local/bin/conclave-server
USER conclave
# Everything that must outlive the container, the server's secrets included; the rest may be read-only.
VOLUME /data
WORKDIR /data
ENV CONCLAVE_DATA=/data CONCLAVE_LISTEN=0.0.0.0:8080
EXPOSE 8080
# By bash alone: an image without curl is one program less to misuse.
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
    CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/8080 && printf 'GET /healthz HTTP/1.0\\r\\nHost: localhost\\r\\n\\r\\n' >&3 && read -r status <&3 && [[ $status == *' 200 '* ]]"]
ENTRYPOINT ["conclave-server"]
CMD ["serve"]

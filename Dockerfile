# One container is enough: without DATABASE_URL it runs a PostgreSQL of its own in the volume.
#   docker build -t onhand . && docker run -p 3000:3000 -v onhand:/data onhand

FROM node:24-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# The PostgreSQL binaries are an optional dependency of a production one: they come along.
RUN npm ci --omit=dev

FROM node:24-bookworm-slim
ENV NODE_ENV=production HOST=0.0.0.0 PORT=3000 DATA_DIR=/data
WORKDIR /app
COPY --from=dependencies /app/node_modules ./node_modules
COPY package.json ./
COPY migrations ./migrations
COPY sql ./sql
COPY src ./src
# For `docker exec … onhand keys list`, from whatever folder.
RUN printf '#!/bin/sh\nexec node /app/src/main.ts "$@"\n' > /usr/local/bin/onhand \
  && chmod 755 /usr/local/bin/onhand
# The image's unprivileged user; a volume that is created from here takes over the owner.
RUN install -d -o node -g node -m 700 /data
USER node
VOLUME /data
EXPOSE 3000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
  CMD ["node", "-e", "\
    fetch('http://127.0.0.1:' + process.env.PORT + '/api/health/readiness')\
    .then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "src/main.ts", "serve"]

#!/bin/sh
# Brings Temporal's two databases to the schema of this version of its tools; does nothing where they have it.
set -eu
SQL_PASSWORD="$(cat /run/secrets/temporal_database_password)"
export SQL_PASSWORD
for part in temporal visibility; do
  database=temporal
  [ "$part" = visibility ] && database=temporal_visibility
  tool="temporal-sql-tool --plugin postgres12 --endpoint ${POSTGRES_SEEDS} --port ${DB_PORT} --user ${POSTGRES_USER} --database $database"
  $tool setup-schema --version 0.0
  $tool update-schema --schema-dir "/etc/temporal/schema/postgresql/v12/$part/versioned"
done

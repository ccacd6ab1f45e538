#!/bin/sh
# Copies the primary, once, and follows it.
set -eu
if ! [ -s "$PGDATA/PG_VERSION" ]; then
  rm -rf "$PGDATA" "$PGDATA.part"
  PGPASSWORD=$(cat /secrets/postgres/replica) pg_basebackup --host postgres --username lesart_replica \
    --pgdata "$PGDATA.part" --write-recovery-conf --slot "$(hostname)" --checkpoint fast
  mv "$PGDATA.part" "$PGDATA"
fi
exec docker-entrypoint.sh "$@"

#!/bin/sh
# Copies the primary, once, and follows it; `replica.sh health` is its health check. A volume that
# outlived its archive is never read: its server stops, and the log and the check say why.
set -eu

require_same_archive() {
  there=$(PGPASSWORD=$(cat /secrets/postgres/replica) PGCONNECT_TIMEOUT=5 psql -AtXF " " -c IDENTIFY_SYSTEM \
    "host=postgres user=lesart_replica replication=true" 2>/dev/null) || return 0 # the primary is away
  here=$(pg_controldata | sed -n "s/^Database system identifier: *//p")
  [ "${there%% *}" != "$here" ] || return 0
  me=$(hostname)
  echo "$me has a copy of another archive, which is not read. If nobody needs that copy, remove it and start again:"
  echo "  docker compose rm -sf $me; docker volume rm lesart_$me; docker compose up --wait"
  return 1
}

if [ "${1:-}" = health ]; then
  pg_isready -q -h 127.0.0.1 -U lesart -d lesart
  require_same_archive || { pg_ctl stop --mode fast --no-wait && exit 1; }
  exit
fi
if [ -s "$PGDATA/PG_VERSION" ]; then
  require_same_archive >&2
else
  rm -rf "$PGDATA" "$PGDATA.part"
  PGPASSWORD=$(cat /secrets/postgres/replica) pg_basebackup --host postgres --username lesart_replica \
    --pgdata "$PGDATA.part" --write-recovery-conf --slot "$(hostname)" --checkpoint fast
  mv "$PGDATA.part" "$PGDATA"
fi
exec docker-entrypoint.sh "$@"

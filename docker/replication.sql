-- The role with which replicas follow, and a slot for each: what it does not have yet is kept for it.
-- Runs at each start.
\set replica `cat /secrets/postgres/replica`
SELECT 'CREATE ROLE lesart_replica REPLICATION LOGIN'
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'lesart_replica') \gexec
ALTER ROLE lesart_replica PASSWORD :'replica';
ALTER SYSTEM SET max_slot_wal_keep_size = '8GB';
SELECT pg_reload_conf() \g /dev/null
-- a replica that was away for longer than that starts anew
SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots
WHERE slot_name IN ('replica1', 'replica2') AND wal_status = 'lost' AND NOT active \g /dev/null
SELECT pg_create_physical_replication_slot(name, true) FROM (VALUES ('replica1'), ('replica2')) AS wanted (name)
WHERE name NOT IN (SELECT slot_name FROM pg_replication_slots) \g /dev/null

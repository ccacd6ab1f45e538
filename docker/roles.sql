-- Runs once, when the cluster is made. `lesart` owns the archive and migrates it; `lesart_worker`
-- writes texts and cannot change what is kept; `lesart_reader` selects from the documented views.
-- What each may do is granted with the schema, by `lesart db upgrade`.
\set worker `cat /secrets/postgres/worker`
\set reader `cat /secrets/postgres/reader`
CREATE ROLE lesart_worker LOGIN PASSWORD :'worker';
CREATE ROLE lesart_reader LOGIN PASSWORD :'reader';
ALTER ROLE lesart_reader SET default_transaction_read_only = on;
ALTER ROLE lesart_reader SET statement_timeout = '5min';
REVOKE CREATE ON SCHEMA public FROM PUBLIC;

-- Runs once, when the cluster is made. `lesart` owns the archive and migrates it; `lesart_worker`
-- writes texts and cannot change what is kept; `lesart_page` selects from tables and views, for the
-- page; `lesart_reader` selects from the documented views.
-- What each may do is granted with the schema, by `lesart db upgrade`.
\set worker `cat /secrets/postgres/worker`
\set reader `cat /secrets/postgres/reader`
\set page `cat /secrets/postgres/page`
CREATE ROLE lesart_worker LOGIN PASSWORD :'worker';
CREATE ROLE lesart_reader LOGIN PASSWORD :'reader';
CREATE ROLE lesart_page LOGIN PASSWORD :'page';
ALTER ROLE lesart_page SET default_transaction_read_only = on;
ALTER ROLE lesart_page SET statement_timeout = '1min';
ALTER ROLE lesart_reader SET default_transaction_read_only = on;
ALTER ROLE lesart_reader SET statement_timeout = '5min';
REVOKE CREATE ON SCHEMA public FROM PUBLIC;

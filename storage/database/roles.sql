-- Makes the roles of an archive on PostgreSQL, once: psql -v passwords=FOLDER, with a file for each password.
-- `lesart`, which exists, owns the archive and migrates it; `lesart_worker` writes texts and cannot
-- change what is kept; `lesart_page` selects from tables and views, for the page; `lesart_reader`
-- selects from the documented views. Their rights are granted with the schema, by `lesart db upgrade`.
\if :{?passwords}
\else
\set passwords /secrets/postgres
\endif
\set worker `cat :'passwords'/worker`
\set reader `cat :'passwords'/reader`
\set page `cat :'passwords'/page`
CREATE ROLE lesart_worker LOGIN PASSWORD :'worker';
CREATE ROLE lesart_reader LOGIN PASSWORD :'reader';
CREATE ROLE lesart_page LOGIN PASSWORD :'page';
ALTER ROLE lesart_page SET default_transaction_read_only = on;
ALTER ROLE lesart_page SET statement_timeout = '1min';
ALTER ROLE lesart_reader SET default_transaction_read_only = on;
ALTER ROLE lesart_reader SET statement_timeout = '5min';
REVOKE CREATE ON SCHEMA public FROM PUBLIC;

"""Queries that try to read or do more than the views allow, and queries that only look like it."""

_STOLEN = "SELECT * FROM access_token"
_QUOTED = ('"articles"', "[articles]", "`articles`", "'articles'", "ARTICLES", "aRtIcLeS")
_VIEWS = ("articles", "versions", "changes", "quotes", "jobs", "json_each", "json_tree")

NAMED_LIKE_A_VIEW = (
    *(f"WITH {view} AS ({_STOLEN}) SELECT * FROM {view}" for view in _VIEWS),
    *(f"WITH {name} AS ({_STOLEN}) SELECT * FROM {name}" for name in _QUOTED),
    *(f"WITH {name} AS ({_STOLEN}) SELECT count(*) FROM articles" for name in _QUOTED),
    "WITH articles(a, b) AS (SELECT name, digest FROM access_token) SELECT a, b FROM articles",
    f"WITH articles AS MATERIALIZED ({_STOLEN}) SELECT * FROM articles",
    f"WITH articles AS NOT MATERIALIZED ({_STOLEN}) SELECT * FROM articles",
    "WITH RECURSIVE articles(d) AS (SELECT digest FROM access_token UNION SELECT d FROM articles) SELECT d FROM articles",
    "WITH RECURSIVE articles(d) AS (SELECT 'a' UNION SELECT digest FROM access_token, articles) SELECT d FROM articles",
    f"WITH versions AS ({_STOLEN}), articles AS (SELECT * FROM versions) SELECT * FROM articles",
    f"WITH articles AS (WITH versions AS ({_STOLEN}) SELECT * FROM versions) SELECT * FROM articles",
    f"SELECT * FROM (WITH articles AS ({_STOLEN}) SELECT * FROM articles) AS articles",
    f"SELECT (WITH articles AS ({_STOLEN}) SELECT digest FROM articles LIMIT 1)",
    f"SELECT 1 WHERE EXISTS (WITH articles AS ({_STOLEN}) SELECT 1 FROM articles)",
    f"SELECT 1 FROM articles WHERE article IN (WITH articles AS ({_STOLEN}) SELECT digest FROM articles)",
    f"SELECT 1 ORDER BY (WITH articles AS ({_STOLEN}) SELECT digest FROM articles LIMIT 1)",
    f"SELECT 1 LIMIT (WITH articles AS ({_STOLEN}) SELECT length(digest) FROM articles LIMIT 1)",
    f"WITH articles AS ({_STOLEN}) SELECT digest FROM articles UNION SELECT 'x'",
    f"SELECT 'x' UNION ALL SELECT digest FROM (WITH articles AS ({_STOLEN}) SELECT * FROM articles) q",
    "WITH articles AS (SELECT 1 AS one UNION SELECT id FROM access_token) SELECT * FROM articles",
    "WITH articles AS (SELECT data FROM capture) SELECT * FROM articles",
    "WITH articles AS (SELECT text FROM wording) SELECT * FROM articles",
    "WITH articles AS (SELECT * FROM suppression) SELECT count(*) FROM articles",
    "WITH articles AS (SELECT count(*) AS n FROM wording) SELECT n FROM articles",
    "SELECT articles.digest FROM access_token AS articles",
    "SELECT articles.* FROM access_token articles",
    f"SELECT articles.* FROM ({_STOLEN}) AS articles",
    f"SELECT versions.* FROM articles, ({_STOLEN}) AS versions",
    "SELECT a.article FROM articles a JOIN access_token AS versions ON 1 = 1",
    "SELECT article FROM articles WHERE title > (SELECT digest FROM access_token LIMIT 1)",
    "SELECT 1 FROM articles ORDER BY (SELECT digest FROM access_token LIMIT 1)",
    "SELECT max(version) OVER (PARTITION BY (SELECT digest FROM access_token)) FROM versions",
)  # fmt: skip
"""Tables under the name of a view, on both databases."""

TABLES = (
    _STOLEN, "SELECT count(*) FROM access_token", "SELECT 1 FROM access_token", "SELECT count(*) FROM ACCESS_TOKEN",
    'SELECT * FROM "access_token"', "SELECT 1 WHERE 1 IN (SELECT id FROM access_token)",
    "SELECT * FROM article", "SELECT data FROM capture", "SELECT text FROM wording", "SELECT * FROM alert_channel",
    "SELECT articles.article FROM articles NATURAL JOIN access_token",
    "SELECT x.digest FROM articles AS access_token, access_token AS x",
    "SELECT article FROM articles UNION SELECT digest FROM access_token",
    "SELECT article FROM articles EXCEPT SELECT digest FROM access_token",
)  # fmt: skip
"""Tables by their own name, on both databases."""

STATEMENTS = (
    "SELECT 1; SELECT 2", "SELECT 1; DELETE FROM job", "DELETE FROM articles", "DELETE FROM job", "BEGIN", "COMMIT",
    "WITH articles AS (SELECT 1) DELETE FROM job", "INSERT INTO job (id) VALUES (1)", "UPDATE article SET state = 'gone'",
    "DROP VIEW articles", "DROP TABLE access_token", "ALTER TABLE access_token RENAME TO articles", "REINDEX", "ANALYZE",
    "CREATE TABLE t (a integer)", f"CREATE TABLE t AS {_STOLEN}", f"CREATE TEMP TABLE articles AS {_STOLEN}",
    f"CREATE TEMP VIEW articles AS {_STOLEN}", f"CREATE VIEW x AS {_STOLEN}", "VACUUM", "SAVEPOINT a", "ROLLBACK",
    "EXPLAIN SELECT 1", "EXPLAIN DELETE FROM job", "SELEC 1", "", ";", "-- nothing",
)  # fmt: skip
"""Statements that are no SELECT, on both databases."""

_SCHEMAS = (
    "sqlite_master",
    "sqlite_schema",
    "sqlite_temp_master",
    "sqlite_temp_schema",
    "SQLITE_MASTER",
)
_MADE_BY_SQLITE = (
    "sqlite_sequence", "sqlite_stat1", "dbstat", "DBSTAT", "sqlite_dbpage", "sqlite_stmt", "search_text_data",
    "search_text_content", "search_text_docsize", "search_text_config", "search_text_idx", "search_text",
    "sentence_text", "sentence_text_data", "fts5vocab", "fts4aux", "fts3tokenize", "pragma_table_list",
    "pragma_database_list", "pragma_function_list", "pragma_compile_options", "pragma_table_info('access_token')",
    "pragma_table_info('access_token', 'main')", "pragma_table_xinfo('access_token')", "pragma_module_list",
    "PRAGMA_TABLE_LIST", "pragma_wal_checkpoint", "pragma_integrity_check", "temp.articles", "x.articles",
    "fts5vocab('search_text', 'row')", "json_each(access_token)",
)  # fmt: skip

OF_SQLITE = (
    *(f"SELECT {what} FROM {name}" for name in (*_SCHEMAS, *_MADE_BY_SQLITE) for what in ("*", "count(*)")),
    *(f"WITH articles AS (SELECT * FROM {name}) SELECT * FROM articles" for name in (*_SCHEMAS, *_MADE_BY_SQLITE)),
    *(f"SELECT count(*) FROM main.{name}" for name in ("sqlite_master", "access_token", "article")),
    "WITH a AS MATERIALIZED (SELECT * FROM main.access_token) SELECT * FROM a",
    "WITH articles AS (SELECT * FROM main.access_token) SELECT * FROM articles",
    "SELECT * FROM json_each((SELECT json_group_array(digest) FROM access_token))",
    "SELECT value FROM articles, json_each((SELECT digest FROM access_token)) AS versions",
    "SELECT 1 WHERE 1 IN access_token", "SELECT 1 WHERE 1 IN sqlite_master", "SELECT * FROM access_token INDEXED BY x",
    "SELECT articles MATCH 'a' FROM articles", "SELECT highlight(search_text, 0, 'a', 'b') FROM search_text",
    "SELECT load_extension('x')", "SELECT LOAD_EXTENSION('x')", "SELECT load_extension('x', 'y') FROM articles",
    "SELECT fts3_tokenizer('simple')", "SELECT fts3_tokenizer('simple', x'00')", "SELECT rtreecheck('access_token')",
    "SELECT rtreecheck('main', 'access_token')", "SELECT fts5('a')", "SELECT optimize('x')", "SELECT matchinfo('x')",
    "SELECT readfile('/etc/passwd')", "SELECT writefile('x', 'y')", "SELECT edit('x')", "SELECT shell_check()",
    "SELECT zeroblob(2000000000)", "SELECT randomblob(2000000000)",
    "ATTACH DATABASE 'x.sqlite3' AS x", "ATTACH ':memory:' AS articles", "DETACH DATABASE main", "VACUUM INTO 'x.sqlite3'",
    "VACUUM main INTO 'x.sqlite3'", "PRAGMA journal_mode = DELETE", "PRAGMA query_only = OFF", "PRAGMA table_list",
    "PRAGMA trusted_schema", "PRAGMA writable_schema = ON", "PRAGMA main.table_info(access_token)", "PRAGMA user_version",
    "PRAGMA temp_store_directory = '/tmp'", "PRAGMA database_list", "EXPLAIN QUERY PLAN SELECT 1", "QUERY PLAN SELECT 1",
    "CREATE TEMP TRIGGER t AFTER INSERT ON job BEGIN SELECT 1; END", "CREATE VIRTUAL TABLE temp.v USING fts5(a)",
    "CREATE VIRTUAL TABLE temp.v USING fts5vocab(main, search_text, row)", "CREATE INDEX i ON job (id)",
    "CREATE TEMP TABLE t AS SELECT 1 AS a", "SELECT 1 --\0", "SELECT nothing FROM articles", "SELECT :missing",
    "SELECT rowid FROM access_token", "REPLACE INTO job (id) VALUES (1)", "END", "RELEASE a",
)  # fmt: skip

ATTACKS = {
    "sqlite": (*NAMED_LIKE_A_VIEW, *TABLES, *STATEMENTS, *OF_SQLITE),
    "postgresql": tuple(
        query for query in (*NAMED_LIKE_A_VIEW, *TABLES, *STATEMENTS) if query != "EXPLAIN SELECT 1"
    ),
}
"""The attacks on each database; EXPLAIN shows the plan of a SELECT on PostgreSQL."""

HARMLESS = (
    ("WITH articles AS (SELECT 7 AS n) SELECT n FROM articles", [7]),
    ("WITH articles AS (SELECT 7 AS n) SELECT count(*) FROM articles", [1]),
    ("WITH access_token AS (SELECT 7 AS digest) SELECT digest FROM access_token", [7]),
    ("WITH access_token AS (SELECT 7 AS digest) SELECT count(*) FROM access_token", [1]),
    ("WITH article AS (SELECT 7 AS id), version AS (SELECT 8) SELECT count(*) FROM articles", [3]),
    ("WITH articles AS (SELECT version AS n FROM versions) SELECT count(n) FROM articles", [4]),
    ("SELECT count(articles.version) FROM versions AS articles", [4]),
    ("SELECT count(*) FROM (SELECT 1 FROM versions) AS access_token", [4]),
    ("SELECT max(access_token.version) FROM versions AS access_token", [2]),
)  # fmt: skip
"""Queries that use such names for what they may read, with the only column of the answer."""

"""The only connections, the only columns: tables, views, migrations, the unit of work."""

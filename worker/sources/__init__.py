"""Read files on disk: a file yields documents as bytes with a locator, or refusals with a reason.

`folder.expand` lists a source. The `Listing` consists of `FoundFile` (a regular file with its
stamp) and `RefusedDocument` (a link, a pipe, a folder that cannot be opened ...).
`capture.capture` reads a listed file and yields three kinds of values:

- `Item`: the exact bytes of one capture, with its locator and its type (seed, markdown, html,
  json, csv). A plain document gives one item; JSON lines, a JSON list and a CSV table give one
  for each record; tar and zip one for each member. Gzip is decompressed.
- `RefusedDocument`: a document that was refused, with its code, a sentence, a remedy, and its
  bytes as far as they are stored. Valid records of the same file are still accepted.
- `UnsettledFile`: the file is still being written; try again later and pass this value.

This package follows no link, never leaves the folder, never waits on a pipe, never unpacks to disk
and holds at most one document in memory. It reads no clock: the time is a parameter.

    folder      lists the files in a fixed order, with a digest of the listing
    files       opens one file step by step, and reads it once it has settled
    capture     turns a listed file into items
    members     reads the content of a file: documents, records, members of archives
    records     JSON lines and JSON lists
    rows        CSV and TSV
    archives    tar and zip, streamed
    gunzip      gzip, bounded
    url_list    addresses one per line, OPML
    feed        RSS, RDF, Atom and JSON feeds
    feed_dates  their dates
    sitemap     sitemaps, indexes, news
    addresses   absolute addresses
    safe_xml    untrusted XML
    items       shared values
"""

"""Files on disk, told as what they hold: bytes with a locator, or a refusal with its reason.

A source is listed by `folder.expand`, which gives a `Listing` of `Found` (a regular file
with its stamp) and `Rejected` (a link, a pipe, a folder that cannot be opened ...). What a
found file holds is told by `capture.capture`, which yields one of three:

- `Item`: the bytes of one capture, exactly as they are to be kept, where they come from and
  of which type they are (seed, markdown, html, json, csv). A plain document gives one item;
  JSON lines, a JSON list and a CSV table give one for each record; tar and zip give those of
  their members. Gzip is looked through: the bytes are those that were compressed.
- `Rejected`: something that did not become an item, with its code, one plain sentence, what
  to do, and the bytes as far as they are kept. Good records beside a bad one still come.
- `Unsettled`: the file is just being written; ask again later and hand this value back.

Nothing here follows a link, leaves the folder, waits on a pipe, unpacks to disk or keeps
more than one document in memory. Nothing here reads the clock: it is passed in.

    folder      which files are there, in a fixed order, with a digest of the listing
    files       one file, opened step by step and read only once it has settled
    capture     the way from a found file to its items
    members     what a file holds: documents, records, members of archives
    records     JSON lines and JSON lists
    rows        CSV and TSV
    archives    tar and zip, streamed
    gunzip      gzip, bounded
    url_list    addresses one a line, OPML
    feed        RSS, RDF, Atom and JSON feeds
    feed_dates  their dates
    sitemap     sitemaps, indexes, news
    robots      what a robots.txt says of an address
    addresses   addresses made whole
    safe_xml    XML from strangers
    locator     paths and keys as text that is safe to store and to print
    items       the values that all of them share
"""

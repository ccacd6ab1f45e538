"""Collect the words with which pages label dates and other values, for the choice of authors.

    python -m bench.fit.labels [--data FOLDER]

A word is a label if it stands before a date or a colon in short lines of pages of at least three
hosts, or in the classes and names of metadata of twenty, and is no given name. Only the folds that
rules are made on are read.
"""

import argparse
import os
import re
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bench.judge.front_pages import MORE_SETS
from bench.judge.pages import SETS, rows_of
from storage.values.refusals import RefusalReason
from worker.text.annotate.date_lines import labelled_dates
from worker.text.annotate.speaker.first_names import plain_word
from worker.text.page.fields.authors import has_given_name
from worker.text.page.layout.blocks import Layout, split_camel_case
from worker.text.page.layout.decoded_tree import decode_tree
from worker.text.page.layout.tree import prepare_tree

FOLDER = Path(__file__).resolve().parents[2] / "worker" / "text" / "page" / "weights"
LOOKED_AT = frozenset({0, 1})
HOSTS, MARKUP_HOSTS = 3, 20
LONGEST_LINE, LONGEST_LABEL, MOST_WORDS = 60, 30, 3
COLON = re.compile(r"([^\W\d][^:\d]{0,28}):(?:\s|$)")
WORD = re.compile(r"[^\W\d_]{3,}")
MARKUP = re.compile(rb"\b(?:class|itemprop|property|name|id)=[\"\']([\w: -]{3,200})[\"\']")
HEAD = "# Words with which pages of several hosts label values, written by bench.fit.labels\n"


def main() -> None:
    """Write the list."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    default = os.environ.get("LESART_REAL_DATA", FOLDER.parents[4] / "shared")
    parser.add_argument("--data", type=Path, default=Path(default))
    folder = parser.parse_args().data / "data"
    hosts: defaultdict[str, set[str]] = defaultdict(set)
    markup_hosts: defaultdict[str, set[str]] = defaultdict(set)
    rows = (row for name in (*SETS, *MORE_SETS) for row in rows_of(folder, name))
    with ProcessPoolExecutor(2) as pool:
        pages = (row for row in rows if row["fold"] in LOOKED_AT)
        for host, words, markup in pool.map(labels_of, pages, chunksize=8):
            for word in words:
                hosts[word].add(host)
            for word in markup:
                markup_hosts[word].add(host)
    frequent = {word for word, found in hosts.items() if len(found) >= HOSTS}
    frequent |= {word for word, found in markup_hosts.items() if len(found) >= MARKUP_HOSTS}
    labels = sorted(word for word in frequent if not has_given_name(word))
    (FOLDER / "labels.txt").write_text(
        HEAD + "".join(f"{word}\n" for word in labels), encoding="utf-8"
    )
    print(f"labels.txt: {len(labels)}")


def labels_of(row: dict[str, Any]) -> tuple[str, set[str], set[str]]:
    """Return the host of a page, the words of its labels, and those of its classes."""
    host = urlsplit(row["url"] or "").hostname or row["file"]
    decoded = decode_tree(row["raw"], None)
    if isinstance(decoded, RefusalReason):
        return host, set(), set()
    prepare_tree(decoded.tree)
    lines = {b.text for b in Layout(decoded.tree).blocks if len(b.text) <= LONGEST_LINE}
    markup = {
        word.lower()
        for found in MARKUP.findall(row["raw"])
        for word in WORD.findall(split_camel_case(found.decode()))
    }
    return host, {word for line in lines for word in _label_words(line)}, markup


def _label_words(line: str) -> Iterator[str]:
    labels = [label.removesuffix(stamp) for label, stamp in labelled_dates(line, day_first=None)]
    if (colon := COLON.match(line)) is not None:
        labels.append(colon[1])
    for label in labels:
        words = label.split()
        if len(label) <= LONGEST_LABEL and len(words) <= MOST_WORDS:
            yield from (plain_word(word) for word in words if WORD.fullmatch(word.strip(".,:|()")))


if __name__ == "__main__":
    main()

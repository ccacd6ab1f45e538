"""PURE: the table of metadata fields, from which all other lists of them derive.

`name` is the key in `fields`, `labels` are its English and German names. A row lists the names
of the field in each kind of input:

- `keys` of front matter, JSON, CSV and document properties, most specific first; only letters and
  digits count. `meta`, `microdata`, `json_ld` of pages, `ninjs` and `newsml` of agencies, `listed`
  in the entry of a feed.
- `places` is the order in which places of a page are preferred. Without it: JSON-LD, meta tags,
  microdata.
- `from_text` computes the value from the text, its paragraphs joined by blank lines; None for none.
- `compared` says what another value is, `is_shown` whether `show` prints the field below the title,
  `is_computed` whether a declared value is only a candidate.
"""

from collections.abc import Callable, Mapping, Sequence
from enum import Enum, IntEnum, auto
from typing import Any, NamedTuple


class FieldForm(Enum):
    """How values of a field are read; on a page, its form also decides how one is chosen."""

    TITLE = auto()
    ADDRESS = auto()
    DATE = auto()
    MOMENT = auto()
    LANGUAGE = auto()
    PEOPLE = auto()
    LEAD = auto()
    LIST = auto()
    ORGANISATION = auto()
    """The name of an organisation; an address is no name."""
    LINE = auto()
    VALUE = auto()
    """Any JSON value, which code produces."""


BY_PLACE = frozenset({FieldForm.LEAD, FieldForm.LIST, FieldForm.ORGANISATION, FieldForm.LINE})
"""Forms of which a page has the value of the preferred place."""


class Comparison(IntEnum):
    """Whether another value of a field is a change of the article."""

    NEVER = 0
    WITH_TEXT = 1
    """It is named in a change of the text."""
    ALONE = 2
    """It makes a version of its own where the texts differ by noise alone."""


class FieldSpec(NamedTuple):
    """One metadata field; its keys, meta names and microdata are in lower case."""

    name: str
    form: FieldForm
    labels: tuple[str, str]
    keys: tuple[str, ...] = ()
    meta: tuple[str, ...] = ()
    microdata: tuple[str, ...] = ()
    json_ld: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    ninjs: tuple[str, ...] = ()
    newsml: tuple[str, ...] = ()
    listed: tuple[str, ...] = ()
    from_text: Callable[[str], Any] | None = None
    compared: Comparison = Comparison.NEVER
    is_shown: bool = False
    is_computed: bool = False

    @property
    def place_order(self) -> tuple[str, ...]:
        """Return the places of a page in the order of preference; none if code chooses."""
        if self.places or self.form not in BY_PLACE:
            return self.places
        return (
            *(f"JSON-LD {name}" for name in self.json_ld),
            *(f"meta {name}" for name in self.meta),
            *(f"itemprop {name}" for name in self.microdata),
            *(f"feed {name}" for name in self.listed),
        )


def names(words: str) -> tuple[str, ...]:
    """Return the names in a string with blanks between them."""
    return tuple(words.split())


def count_words(text: str) -> int:
    """Count the whitespace-separated pieces that contain a letter or a digit.

    >>> count_words("3,6 Prozent – das ist 152-Millimeter-Munition")
    5
    """
    pieces = text.split()
    odd = [piece for piece in pieces if not piece[0].isalnum()]
    return len(pieces) - sum([not any(map(str.isalnum, piece)) for piece in odd])


FIELDS: tuple[FieldSpec, ...] = (
    FieldSpec(
        "title", FieldForm.TITLE, ("headline", "Überschrift"),
        keys=names("title headline name titel überschrift ueberschrift schlagzeile"),
        meta=names(
            "og:title twitter:title headline title dc.title dcterms.title parsely-title "
            "sailthru.title citation_title cxenseparse:title fb_title hdl article:title"
        ),
        microdata=names("headline"), json_ld=names("headline alternativeHeadline name"),
        ninjs=names("headlines headline title"), newsml=names("contentMeta/headline"),
    ),
    FieldSpec(
        "published", FieldForm.DATE, ("published", "veröffentlicht"),
        keys=names(
            "published datepublished publishedat publicationdate publishdate publisheddate "
            "pubdate veröffentlicht veroeffentlicht veröffentlichtam veroeffentlichtam "
            "veröffentlichungsdatum veroeffentlichungsdatum publikationsdatum erschienen "
            "erschienenam erscheinungsdatum erscheinungstag date datum"
        ),
        meta=names(
            "article:published_time og:published_time article:published date dc.date "
            "dc.date.issued dcterms.created dcterms.date dcterms.issued pubdate publishdate "
            "publish-date publish_date publication_date datepublished date.issued sailthru.date "
            "parsely-pub-date cxenseparse:recs:publishtime cxenseparse:publishtime "
            "citation_publication_date pdate last-published article.published "
            "article_date_original og:article:published_time published_at release_date "
            "iso-8601-publish-date displaydate ptime originalpublicationdate vr:published_time "
            "bt:pubdate dateline created date-publish og:pubdate published"
        ),
        microdata=names("datepublished datecreated"), json_ld=names("datePublished dateCreated"),
        ninjs=names("firstcreated contentcreated versioncreated"),
        newsml=names("itemMeta/firstCreated contentMeta/contentCreated itemMeta/versionCreated"),
        listed=names("published"), compared=Comparison.WITH_TEXT, is_shown=True,
    ),
    FieldSpec(
        "modified", FieldForm.DATE, ("modified", "geändert"),
        keys=names(
            "modified datemodified modifiedat updated updatedat dateupdated lastmodified lastmod "
            "geändert geaendert geändertam geaendertam änderungsdatum aenderungsdatum "
            "letzteänderung letzteaenderung zuletztgeändert zuletztgeaendert aktualisiert "
            "aktualisiertam zuletztaktualisiert aktualisierungsdatum"
        ),
        meta=names(
            "article:modified_time og:updated_time og:modified_time last-modified "
            "dcterms.modified dc.date.modified datemodified revised lastmod article:updated "
            "bt:moddate utime modified og:article:modified_time"
        ),
        microdata=names("datemodified"), json_ld=names("dateModified"),
        ninjs=names("versioncreated"),
        newsml=names("contentMeta/contentModified itemMeta/versionCreated"),
        listed=names("updated"), is_shown=True,
    ),
    FieldSpec(
        "embargoed", FieldForm.DATE, ("embargoed until", "Sperrfrist bis"),
        ninjs=names("embargoed"), newsml=names("itemMeta/embargoed"), is_shown=True,
    ),
    FieldSpec(
        "pubstatus", FieldForm.LINE, ("status of the agency", "Status der Agentur"),
        ninjs=names("pubstatus"), newsml=names("itemMeta/pubStatus"), compared=Comparison.ALONE,
    ),
    FieldSpec(
        "version", FieldForm.LINE, ("version of the agency", "Fassung der Agentur"),
        ninjs=names("version"),
    ),
    FieldSpec("signal", FieldForm.LINE, ("signal", "Signal"), newsml=names("itemMeta/signal")),
    FieldSpec(
        "authors", FieldForm.PEOPLE, ("authors", "Autoren"),
        keys=names("authors author byline autoren autor autorin autorinnen verfasser verfasserin"),
        meta=names(
            "author article:author authors article:author_name dc.creator dcterms.creator "
            "parsely-author sailthru.author citation_author byl creator cxenseparse:author "
            "dc.creator.aut atc-metaauthor rbauthors og:article:author vr:author autor "
            "twitter:data1:author"
        ),
        microdata=names("author creator"), json_ld=names("author creator"),
        ninjs=names("by byline"), newsml=names("contentMeta/by contentMeta/creator"),
        listed=names("authors"), compared=Comparison.WITH_TEXT, is_shown=True,
    ),
    FieldSpec(
        "publisher", FieldForm.ORGANISATION, ("publisher", "Medium"),
        keys=names(
            "publisher source sitename sourceorganization herausgeber verlag medium zeitung "
            "quelle"
        ),
        meta=names(
            "og:site_name publisher dc.publisher dcterms.publisher application-name "
            "article:publisher copyright apple-mobile-web-app-title twitter:site"
        ),
        json_ld=names("publisher"),
        places=(
            "JSON-LD publisher", "meta og:site_name", "meta publisher", "meta application-name",
            "trafilatura",
        ),
        ninjs=names("infosources infosource source copyrightholder"),
        newsml=names("itemMeta/provider contentMeta/infoSource"), compared=Comparison.WITH_TEXT,
        is_shown=True,
    ),
    FieldSpec(
        "section", FieldForm.LINE, ("section", "Ressort"),
        keys=names("section articlesection category ressort rubrik kategorie"),
        meta=names(
            "article:section section cxenseparse:recs:category parsely-section og:article:section"
        ),
        microdata=names("articlesection"), json_ld=names("articleSection"),
        places=(
            "JSON-LD articleSection", "meta article:section", "meta section",
            "itemprop articlesection", "JSON-LD breadcrumb", "breadcrumb",
        ),
        ninjs=names("section"), compared=Comparison.WITH_TEXT, is_shown=True,
    ),
    FieldSpec(
        "tags", FieldForm.LIST, ("tags", "Schlagwörter"),
        keys=names(
            "tags tag keywords schlagwörter schlagwoerter schlagworte stichwörter stichwoerter"
        ),
        meta=names("article:tag news_keywords keywords parsely-tags og:article:tag dc.subject"),
        json_ld=names("keywords"),
        places=(
            "JSON-LD keywords", "meta article:tag", "meta news_keywords", "meta keywords",
            "meta parsely-tags", "link rel=tag", "feed tags",
        ),
        ninjs=names("subjects subject keywords"),
        newsml=names("contentMeta/subject contentMeta/keyword"), listed=names("tags"),
        compared=Comparison.WITH_TEXT, is_shown=True,
    ),
    FieldSpec(
        "language", FieldForm.LANGUAGE, ("language", "Sprache"),
        keys=names("language lang inlanguage sprache"),
        meta=names("og:locale language dc.language dcterms.language content-language"),
        microdata=names("inlanguage"), json_ld=names("inLanguage"), ninjs=names("language"),
        newsml=names("contentMeta/language"), listed=names("language"), is_shown=True,
    ),
    FieldSpec(
        "lead", FieldForm.LEAD, ("lead", "Vorspann"),
        keys=names(
            "lead standfirst teaser vorspann anriss description summary abstract excerpt "
            "zusammenfassung beschreibung"
        ),
        meta=names(
            "description og:description twitter:description dc.description sailthru.description"
        ),
        json_ld=names("description abstract"),
        places=("JSON-LD description", "meta og:description", "meta description", "feed lead"),
        ninjs=names("descriptions descriptiontext"), newsml=names("contentMeta/description"),
    ),
    FieldSpec(
        "images", FieldForm.VALUE, ("images", "Bilder"),
        places=("figure", "JSON-LD image", "JSON-LD WebPage image"),
    ),
    FieldSpec(
        "image", FieldForm.VALUE, ("image", "Bild"),
        meta=names("og:image og:image:url og:image:secure_url twitter:image twitter:image:src"),
        json_ld=names("image"), places=("meta og:image", "JSON-LD image", "meta twitter:image"),
    ),
    FieldSpec(
        "kicker", FieldForm.LINE, ("kicker", "Dachzeile"),
        places=("h1", "above the headline"),
    ),
    FieldSpec(
        "slugline", FieldForm.LINE, ("slugline", "Stichwortzeile"),
        ninjs=names("slugline"), newsml=names("contentMeta/slugline"),
    ),
    FieldSpec(
        "urgency", FieldForm.LINE, ("urgency", "Dringlichkeit"),
        ninjs=names("urgency"), newsml=names("contentMeta/urgency"),
    ),
    FieldSpec(
        "located", FieldForm.LINE, ("place", "Ort"),
        ninjs=names("located"), newsml=names("contentMeta/located"),
    ),
    FieldSpec(
        "ednote", FieldForm.LINE, ("note of the agency", "Hinweis der Agentur"),
        ninjs=names("ednote"), newsml=names("itemMeta/edNote"),
    ),
    FieldSpec(
        "copyright", FieldForm.LINE, ("copyright", "Urheberrecht"),
        ninjs=names("copyrightnotice"), newsml=names("rightsInfo/copyrightNotice"),
    ),
    FieldSpec(
        "usage_terms", FieldForm.LINE, ("terms of use", "Nutzungsbedingungen"),
        ninjs=names("usageterms"), newsml=names("rightsInfo/usageTerms"),
    ),
    FieldSpec(
        "url", FieldForm.ADDRESS, ("address", "Adresse"),
        keys=names("url canonical canonicalurl permalink link mainentityofpage webadresse"),
        meta=names("og:url twitter:url parsely-link"), json_ld=names("url mainEntityOfPage"),
    ),
    FieldSpec(
        "observed_at", FieldForm.MOMENT, ("captured", "aufgenommen"),
        keys=names("observedat abgerufen abgerufenam beobachtetam"),
    ),
    FieldSpec("agency", FieldForm.VALUE, ("news agency", "Agentur"), is_computed=True),
    FieldSpec(
        "word_count", FieldForm.VALUE, ("word count", "Zahl der Wörter"),
        from_text=count_words, is_computed=True,
    ),
    FieldSpec("accessible_for_free", FieldForm.VALUE, ("free of charge", "frei zugänglich")),
    FieldSpec("submitted_by", FieldForm.VALUE, ("submitted by", "eingereicht von")),
    FieldSpec("provenance_stamp", FieldForm.VALUE, ("provenance stamp", "Herkunftszeichen")),
)  # fmt: skip

TEXT_KEYS = names(
    "paragraphs absätze absaetze text body articlebody content artikeltext volltext fliesstext "
    "inhalt"
)
"""Keys of the text itself."""


def find_owners(
    what: str, names_of: Callable[[FieldSpec], Sequence[str]], fields: Sequence[FieldSpec] = FIELDS
) -> Mapping[str, FieldSpec]:
    """Return the field of each name.

    Raises: ValueError if two fields have one name.

    >>> rows = [FieldSpec(each, FieldForm.LINE, ("", ""), meta=("place",)) for each in "ab"]
    >>> find_owners("meta name", lambda each: each.meta, rows)
    Traceback (most recent call last):
    ValueError: the meta name 'place' belongs to the fields a and b; remove it from a row of FIELDS
    """
    owners: dict[str, FieldSpec] = {}
    for field in fields:
        for name in names_of(field):
            if (other := owners.setdefault(name, field)) is not field:
                raise ValueError(
                    f"the {what} {name!r} belongs to the fields {other.name} and {field.name}; "
                    "remove it from a row of FIELDS"
                )
    return owners


_TEXT = FieldSpec("text", FieldForm.VALUE, ("text", "Text"), keys=TEXT_KEYS)
find_owners("key", lambda each: each.keys, (*FIELDS, _TEXT))
FIELD_BY_NAME = find_owners("name", lambda each: (each.name,))
FIELD_BY_KEY = find_owners("key", lambda each: each.keys)
FIELD_BY_META = find_owners("meta name", lambda each: each.meta)
FIELD_BY_MICRODATA = find_owners("itemprop", lambda each: each.microdata)
find_owners("JSON-LD key", lambda each: each.json_ld)
COMPARED_FIELDS = tuple(each for each in FIELDS if each.compared)
DATE_FIELDS = frozenset(each.name for each in FIELDS if each.form is FieldForm.DATE)

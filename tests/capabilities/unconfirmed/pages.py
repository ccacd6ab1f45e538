"""Articles and pages in their place, as servers send them; the texts are written for the tests."""

import json

ADDRESS = "https://zeitung.example/lokales/damm"
DAMM = (
    "Der Damm bei Niederlohe soll bis zum Herbst um 36 Zentimeter wachsen, beschloss der Rat.",
    "Nach dem Hochwasser im Februar hatten Anwohner höhere Deiche verlangt, elf Keller liefen voll.",
    "„Wir können nicht noch einen Winter warten“, sagte Bürgermeisterin Jule Tamm im Rathaus.",
    "Die Kosten schätzt die Verwaltung auf 2,4 Millionen Euro, zwei Drittel davon zahlt das Land.",
)
HIGHER = (DAMM[0].replace("36", "63"), *DAMM[1:])
WITHDRAWN = (
    "An dieser Stelle stand ein Bericht, den wir zurückgezogen haben: Wesentliche Angaben waren falsch.",
    "Die Redaktion bedauert das und entschuldigt sich bei allen Betroffenen und Lesern.",
)
CORRECTED = (WITHDRAWN[0], WITHDRAWN[1].replace("bedauert das", "bedauert dies sehr"))
LOG_IN = """<!doctype html><html lang="de"><head><title>Konto | Zeitung</title></head><body><div>
<h2>Willkommen zurück</h2><p>Geben Sie die Adresse ein, mit der Sie Ihr Abonnement bestellt haben.</p>
<form><input name="mail"><input type="password" name="secret"><button>Weiter</button></form>
<p>Fragen beantwortet unser Leserservice gern am Telefon, montags bis freitags.</p></div></body></html>"""
NIGHT = """<!doctype html><html lang="de"><head><title>Zeitung</title><meta http-equiv="refresh" content="90">
</head><body><h1>Heute Nacht bauen wir um</h1><p>Liebe Leserinnen und Leser, bis vier Uhr arbeiten unsere
Techniker an den Rechnern. Danach finden Sie hier wieder alle Nachrichten.</p></body></html>"""
CONSENT = """<!doctype html><html lang="de"><head><title>Zeitung</title></head><body><div class="cmp"><h2>Ihre Wahl</h2>
<p>Unser Angebot bleibt frei, wenn Sie Anzeigen und deren Messung durch 214 Firmen erlauben. Diese legen dazu Kennungen
auf Ihrem Gerät ab.</p><p>Oder Sie lesen für 3,99 Euro im Monat ohne Anzeigen und ohne Messung.</p></div></body></html>"""
EXPIRED = """<!doctype html><html lang="en"><head><title>zeitung.example</title></head><body><p>The registration of
this domain has lapsed. Its owner can renew it until the end of the month.</p><p>Related links: loans, holidays,
second hand cars, boats.</p></body></html>"""
WALLS = {"log-in": LOG_IN, "night": NIGHT, "consent": CONSENT, "expired": EXPIRED}
BARE_NOTE = """<!doctype html><html lang="de"><head><title>Fähre fährt wieder</title></head><body><h1>Fähre fährt wieder</h1>
<p>Die Fähre nach Lohsand fährt seit dem Morgen wieder nach Plan.</p></body></html>"""


def article(title: str, paragraphs: tuple[str, ...], *, marks: bool = True) -> str:
    """Return a page with the marks of an article, or without them."""
    told = json.dumps(
        {
            "@context": "https://schema.org", "@type": "NewsArticle", "headline": title,
            "datePublished": "2024-06-17T09:15:00+02:00",
            "author": {"@type": "Person", "name": "Merle Addicks"},
        }
    )  # fmt: skip
    head = f'<meta property="og:type" content="article"><script type="application/ld+json">{told}</script>'
    body = "".join(f"<p>{each}</p>" for each in paragraphs)
    return (
        f'<!doctype html><html lang="de"><head><title>{title} | Zeitung</title>{head if marks else ""}</head>'
        f"<body><nav><a href='/'>Start</a></nav><main><article><h1>{title}</h1>"
        f"{'<p class=byline>Von Merle Addicks</p>' if marks else ''}{body}</article></main></body></html>"
    )


FIRST = article("Damm wird höher", DAMM)
EDITED = article("Damm wird höher", HIGHER)
REWRITTEN = article("In eigener Sache: Artikel zurückgezogen", WITHDRAWN)
REWRITTEN_AGAIN = article("In eigener Sache: Artikel zurückgezogen", CORRECTED)
RELAUNCHED = article("Damm wird höher", HIGHER, marks=False)

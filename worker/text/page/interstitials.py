"""Detect pages that replace an article: robot checks, consent, errors, log-in forms."""

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from storage.values.lazy import lazy_pattern
from storage.values.messages import message_text

_LONGEST_INTERSTITIAL = 1000  # characters; longer texts are articles
_SHORT_INTERSTITIAL = 400
_OPENING = 300

ROBOT_CHECK = lazy_pattern(
    r"""checking[ ](?:if[ ]the[ ]site[ ]connection[ ]is[ ]secure|your[ ]browser)
    | verify(?:ing)?[ ](?:that[ ])?you[ ]are[ ](?:a[ ])?human
    | (?:are[ ]you|i['’]?m[ ]not)[ ]a[ ]robot | ich[ ]bin[ ]kein[ ]roboter
    | bist[ ]du[ ]ein[ ]mensch | sind[ ]sie[ ]ein[ ]mensch
    | enable[ ]javascript[ ]and[ ]cookies[ ]to[ ]continue
    | please[ ]complete[ ]the[ ]security[ ]check | attention[ ]required![ ]\|[ ]cloudflare
    | just[ ]a[ ]moment\.\.\. | unusual[ ]traffic[ ]from[ ]your | ungewöhnlichen[ ]datenverkehr
    | bestätigen[ ]sie,[ ]dass[ ]sie[ ](?:ein[ ]mensch|kein[ ]roboter)[ ]sind
    | captcha[ ](?:lösen|eingeben) | solve[ ]the[ ]captcha | pardon[ ]our[ ]interruption""",
    re.VERBOSE | re.IGNORECASE,
)
"""Text of a robot check.

>>> bool(ROBOT_CHECK.search("Checking your browser before accessing the site."))
True
>>> bool(ROBOT_CHECK.search("Der Roboter half der Polizei."))
False
"""

CONSENT = lazy_pattern(
    r"""(?:weiter[ ])?mit[ ]werbung[ ](?:und[ ]tracking[ ])?(?:weiter)?lesen | \bpur-?abo\b
    | (?:bevor[ ]sie[ ]fortfahren|before[ ]you[ ]continue)[ ](?:zu|to)[ ]
    | wir[ ](?:und[ ]unsere[ ](?:bis[ ]zu[ ])?\d*[ ]?partner[ ])?(?:verwenden|nutzen|benötigen)
      [^.]{0,80}(?:cookies|einwilligung|zustimmung)
    | we[ ](?:and[ ]our[ ](?:\d+[ ])?partners[ ])?(?:use|store)[^.]{0,80}cookies
    | consent[ ]to[ ](?:the[ ])?use[ ]of[ ]cookies
    | um[ ]der[ ]nutzung[ ][^.]{0,60}mit[ ]werbung[ ]zuzustimmen""",
    re.VERBOSE | re.IGNORECASE,
)
"""Text of a consent banner.

>>> bool(CONSENT.search("Wir und unsere 247 Partner verwenden Cookies."))
True
>>> bool(CONSENT.search("Das Gericht verbietet Cookies ohne Zustimmung."))
False
"""

ERROR_PAGE = lazy_pattern(
    r"""(?:^|\W)(?:404|410|error[ ]404|fehler[ ]404)\W{1,5}(?:\w+[ ]){0,4}
      (?:not[ ]found|nicht[ ]gefunden)
    | ^(?:error|fehler|http)[ ](?:404|410)\W*(?:$|\n|[|–-])
    | ^(?:404|(?:the[ ])?page[ ]not[ ]found|seite[ ]nicht[ ]gefunden)\W*(?:$|\n|[|–-])
    | (?:diese|die[ ](?:gewünschte|angeforderte|gesuchte|aufgerufene))[ ]seite[ ]
      (?:konnte|wurde|kann|existiert|ist)[^.]{0,40}nicht\b
    | the[ ](?:requested[ ])?page[ ](?:you[^.]{1,40}[ ])?
      (?:could[ ]not[ ]be|cannot[ ]be|can['’]t[ ]be|was[ ]not)[ ]found
    | the[ ](?:requested[ ])?page[ ](?:you[^.]{1,40}[ ])?does[ ]not[ ]exist
    | (?:dieser|der)[ ](?:artikel|beitrag|inhalt)[ ](?:ist|steht)[ ](?:leider[ ])?
      nicht[ ](?:mehr[ ])?(?:verfügbar|zur[ ]verfügung)
    | ^(?:access[ ]denied|403[ ]forbidden|502[ ]bad[ ]gateway|500[ ]internal[ ]server[ ]error
      |503[ ]service[ ](?:temporarily[ ])?unavailable)\W*(?:$|\n|[|–-])""",
    re.VERBOSE | re.IGNORECASE,
)
"""Text of an error page.

>>> bool(ERROR_PAGE.search("Die gesuchte Seite konnte nicht gefunden werden."))
True
>>> bool(ERROR_PAGE.search("Fehler 404: Wie eine Zahl berühmt wurde"))
False
>>> bool(ERROR_PAGE.search("Fehler 404 | Küstenbote"))
True
>>> bool(ERROR_PAGE.search("Access denied: village blocks through traffic"))
False
"""

LOG_IN = lazy_pattern(
    r"""^(?:(?:please[ ])?(?:log|sign)[ ]in[ ]to[ ](?:continue|read)
    |bitte[ ](?:melden[ ]sie[ ]sich[ ](?:bitte[ ])?an|loggen[ ]sie[ ]sich[ ]ein)\b)""",
    re.VERBOSE | re.IGNORECASE,
)
"""Beginning of a log-in form.

>>> bool(LOG_IN.search("Please log in to continue reading.")), bool(LOG_IN.search("Logbuch"))
(True, False)
"""

MAINTENANCE = lazy_pattern(
    r"""briefly[ ]unavailable[ ]for[ ]scheduled[ ]maintenance
    | (?:site|website|service)[ ]is[ ](?:currently[ ])?(?:down[ ]for|undergoing|under)[ ]
      (?:scheduled[ ])?maintenance
    | (?:seite|website|angebot)[ ](?:ist|befindet[ ]sich)[ ][^.]{0,40}(?:im[ ]wartungsmodus
      |wartungsarbeiten[ ]nicht[ ](?:erreichbar|verfügbar))""",
    re.VERBOSE | re.IGNORECASE,
)
"""Text of a note on maintenance.

>>> bool(MAINTENANCE.search("Briefly unavailable for scheduled maintenance. Check back."))
True
>>> bool(MAINTENANCE.search("Die Brücke ist wegen Wartungsarbeiten gesperrt."))
False
"""

REGION = lazy_pattern(
    r"""from[ ]a[ ]country[ ]belonging[ ]to[ ]the[ ]european[ ]economic[ ]area
    | (?:page|site|website|content)[ ]is[ ](?:currently[ ])?(?:not[ ]available|unavailable)[ ]in[ ]
      your[ ](?:country|region|location)
    | (?:seite|website|inhalt|angebot)[ ]ist[ ](?:leider[ ])?in[ ]ihre[mr][ ](?:land|region)[ ]
      nicht[ ]verfügbar""",
    re.VERBOSE | re.IGNORECASE,
)
"""Text of a page for visitors from other regions.

>>> bool(REGION.search("This content is not available in your region."))
True
"""

PARKED = lazy_pattern(
    r"""(?:this|the)[ ]domain(?:[ ]name)?[ ](?:\S{4,60}[ ])?(?:is|may[ ]be)[ ]for[ ]sale
    | (?:this|the)[ ]domain(?:[ ]name)?[ ]has[ ]expired
    | diese[ ](?:domain|website)[ ]steht[ ]zum[ ]verkauf""",
    re.VERBOSE | re.IGNORECASE,
)
"""Text of a page of a domain without a site.

>>> bool(PARKED.search("Diese Domain steht zum Verkauf!"))
True
"""

_KINDS = (
    ("bot_check", message_text("robot_check"), ROBOT_CHECK),
    ("consent_wall", message_text("consent"), CONSENT),
    ("error_page", message_text("error_page"), ERROR_PAGE),
    ("login_wall", message_text("log_in"), LOG_IN),
    ("maintenance", message_text("maintenance"), MAINTENANCE),
    ("region_wall", message_text("region_wall"), REGION),
    ("parked", message_text("parked"), PARKED),
)
CODES: Mapping[str, str] = MappingProxyType({reason: code for code, reason, _sign in _KINDS})
"""The refusal code of a page that a server sent, by the reason why it is no article."""


def interstitial_reason(title: str | None, texts: Sequence[str]) -> str | None:
    """Return the kind of page that replaces an article, or None for an article.

    A pattern must match the opening of a short text, or the title of a very short one. An article
    about consent banners is longer and mentions them later. Without a title the text alone decides.

    >>> interstitial_reason("Seite nicht gefunden", ["Diese Seite wurde leider nicht gefunden."])
    'an error page'
    >>> interstitial_reason("Warum Cookies bleiben", ["Die Richter urteilten am Dienstag. " * 60])
    """
    body = "\n".join(texts)
    if len(body) > _LONGEST_INTERSTITIAL:
        return None
    for _code, reason, sign in _KINDS:
        if sign.search(body[:_OPENING]) or (
            len(body) < _SHORT_INTERSTITIAL and sign.search(title or "")
        ):
            return reason
    return None

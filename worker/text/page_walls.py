"""Tell the pages that stand in front of an article from the article."""

import re
from collections.abc import Sequence

_LONGEST_WALL = 1500  # characters; what says more than that has something to say
_LONGEST_MENTION = 6000

_SIGNS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (reason, re.compile(pattern, re.IGNORECASE))
    for reason, pattern in (
        (
            "a check whether the visitor is a robot",
            r"(?:checking (?:if the site connection is secure|your browser)|verify(?:ing)? (?:that )?you are (?:a )?human"
            r"|are you a robot|i'?m not a robot|ich bin kein roboter|bist du ein mensch|sind sie ein mensch"
            r"|enable javascript and cookies to continue|please complete the security check|attention required! \| cloudflare"
            r"|just a moment\.\.\.|unusual traffic from your (?:computer )?network|ungewöhnlichen datenverkehr"
            r"|bestätigen sie, dass sie (?:ein mensch|kein roboter) sind|captcha (?:lösen|eingeben)|solve the captcha|pardon our interruption)",
        ),
        (
            "a request for consent",
            r"(?:mit werbung (?:und tracking )?(?:weiter)?lesen|weiter mit werbung|(?:bevor|before) (?:sie|you) (?:fortfahren|continue)"
            r"|wir (?:und unsere (?:bis zu )?\d* ?partner )?(?:verwenden|nutzen|benötigen)[^.]{0,80}(?:cookies|einwilligung|zustimmung)"
            r"|we (?:and our (?:\d+ )?partners )?(?:use|store)[^.]{0,80}cookies|nutzen sie [^.]{0,40} mit (?:werbung|cookies)"
            r"|pur-?abo|consent to (?:the )?use of cookies|um der nutzung [^.]{0,60} mit werbung zuzustimmen)",
        ),
        (
            "an error page",
            r"(?:^|\W)(?:404|410|error 404|fehler 404)(?:\W|$).{0,80}(?:not found|nicht gefunden|error|fehler)|^(?:404|page not found|seite nicht gefunden)\b"
            r"|(?:diese |die (?:gewünschte |angeforderte |gesuchte )?)seite (?:konnte|wurde|kann|existiert|ist)[^.]{0,40}(?:nicht (?:gefunden|mehr|verfügbar)|nicht\b)"
            r"|the (?:requested )?page (?:you(?:'re| are|’re)? [^.]{0,40})?(?:could not be found|cannot be found|does not exist|was not found|can't be found)"
            r"|(?:dieser|der) (?:artikel|beitrag|inhalt) (?:ist|steht) (?:leider )?nicht (?:mehr )?(?:verfügbar|zur verfügung)"
            r"|access denied|403 forbidden|502 bad gateway|503 service (?:temporarily )?unavailable|500 internal server error",
        ),
        (
            "a log-in form",
            r"^(?:(?:please )?(?:log|sign) in to (?:continue|read)|bitte (?:melden sie sich an|einloggen|anmelden))",
        ),
    )
)


def wall_reason(title: str | None, texts: Sequence[str]) -> str | None:
    """Return what a page is instead of an article, None for an article.

    A sign counts where it is the title, or where it opens a text that is short: an article
    about consent banners says more, and says it later.

    >>> wall_reason("Seite nicht gefunden", ["Diese Seite konnte leider nicht gefunden werden."])
    'an error page'
    >>> wall_reason("Warum Cookies bleiben", ["Die Richter urteilten am Dienstag. " * 60])
    """
    body = "\n".join(texts)
    if len(body) > _LONGEST_MENTION:
        return None
    for reason, sign in _SIGNS:
        in_title = sign.search(title or "") is not None
        in_body = sign.search(body[:400]) is not None
        if (in_title and (in_body or len(body) < 400)) or (in_body and len(body) < _LONGEST_WALL):
            return reason
    return None

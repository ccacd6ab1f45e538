"""Look-alikes of requests for consent: own markup with the structure that rules of autoconsent match.

Each button requests `/agreed` or `/rejected` of its server, so a test sees what was pressed.
"""

from dataclasses import dataclass, field

COVER = "position:fixed;inset:0;background:#eee;z-index:99"
BOX = "position:fixed;inset:10% 20%;background:#fff;z-index:100"
BAR = "position:fixed;left:0;right:0;bottom:0;height:120px;background:#ddd"
WORDS = "<p>Wir verwenden Cookies und messen, was Sie lesen.</p>"


def button(what: str, label: str, named: str = "", closes: str = "#wall") -> str:
    """Return a button that requests /agreed, /rejected or /paid, and removes the wall."""
    act = f"fetch('/{what}',{{method:'POST'}});document.querySelector('{closes}')?.remove()"
    return f'<button {named} onclick="{act}">{label}</button>'


def in_frame(what: str, label: str, named: str) -> str:
    act = f"fetch('/{what}',{{method:'POST'}}).then(()=>parent.postMessage('close','*'))"
    return f'<button {named} onclick="{act}">{label}</button>'


def framed(address: str) -> str:
    return (
        f"<div id=wall style='{COVER}'><iframe style='width:100%;height:100%' src='{address}'>"
        "</iframe></div><script>addEventListener('message', e => e.data === 'close' && "
        "document.querySelector('#wall').remove())</script>"
    )


@dataclass(frozen=True)
class Wall:
    """Markup at the end of a page; `outcome` is `rejected`, `refused` or `read`."""

    outcome: str
    markup: str
    frames: dict[str, str] = field(default_factory=dict)


MESSAGE = "index.html?message_id=7&consentUUID=1"
BUILT = {
    "sourcepoint in a foreign frame": Wall(
        "rejected",
        framed(f"https://cmp.example/{MESSAGE}"),
        {
            f"https://cmp.example/{MESSAGE}": WORDS
            + in_frame("agreed", "Alle akzeptieren", "class='sp_choice_type_11'")
            + in_frame("rejected", "Ablehnen", "class='sp_choice_type_13'")
        },
    ),
    "onetrust": Wall(
        "rejected",
        f"<div id=onetrust-consent-sdk><div id=onetrust-banner-sdk style='{COVER}'>{WORDS}"
        + button("agreed", "Alle zulassen", "id=onetrust-accept-btn-handler", "#onetrust-banner-sdk")
        + button("rejected", "Nur erforderliche", "id=onetrust-reject-all-handler",
                 "#onetrust-banner-sdk")
        + "</div></div>",
    ),
    "an unknown wall": Wall(
        "rejected",
        f"<div id=wall style='{BOX}'><h2>Ihre Privatsphäre</h2>{WORDS}"
        + button("agreed", "Alle akzeptieren") + button("rejected", "Alle ablehnen") + "</div>",
    ),
    "an unknown wall that asks for payment": Wall(
        "refused",
        f"<div style='{COVER}'></div><div id=wall style='{BOX}'><h2>Lesen mit oder ohne Werbung"
        f"</h2>{WORDS}" + button("agreed", "Akzeptieren und weiter")
        + button("paid", "Werbefrei für 3,99 € im Monat") + "</div>",
    ),
    "sourcepoint with payment in a foreign frame": Wall(
        "refused",
        framed(f"https://cmp.example/{MESSAGE}"),
        {
            f"https://cmp.example/{MESSAGE}": "<h2>Weiter mit Werbung oder Pur-Abo</h2>"
            + WORDS + in_frame("agreed", "Einwilligen und weiter", "class='sp_choice_type_11'")
            + in_frame("paid", "Pur-Abo für 2,99 €", "class='sp_choice_type_9'")
        },
    ),
    "a bar with OK alone": Wall(
        "read", f"<div id=wall style='{BAR}'>{WORDS}" + button("agreed", "OK") + "</div>"
    ),
}  # fmt: skip
"""Walls that were looked at while the code was written."""

HELD_OUT = {
    "usercentrics in a shadow root": Wall(
        "rejected",
        "<div id=usercentrics-root></div><script>{const r = document.querySelector("
        "'#usercentrics-root').attachShadow({mode:'open'});"
        f"r.innerHTML = `<div data-testid=uc-container style='{COVER}'>{WORDS}"
        "<button data-testid=uc-accept-all-button>Alles akzeptieren</button>"
        "<button data-testid=uc-deny-all-button>Alles ablehnen</button></div>`;"
        "window.UC_UI = {isInitialized: () => true, isConsentRequired: () => true,"
        "denyAllConsents: async () => 0, closeCMP: async () => 0};"
        "for (const [kind, name] of [['agreed','accept'],['rejected','deny']]) r.querySelector("
        "`[data-testid=uc-${name}-all-button]`).onclick = () => { fetch('/' + kind, "
        "{method:'POST'}); r.host.remove() }}</script>",
    ),
    "didomi": Wall(
        "rejected",
        f"<div id=didomi-host><div id=didomi-notice style='{COVER}'>{WORDS}"
        + button("agreed", "Agree and close", "id=didomi-notice-agree-button", "#didomi-host")
        + button("rejected", "Disagree and close", "id=didomi-notice-disagree-button",
                 "#didomi-host") + "</div></div>",
    ),
    "quantcast": Wall(
        "rejected",
        f"<div id=qc-cmp2-container style='{COVER}'><div id=qc-cmp2-ui>{WORDS}"
        + button("agreed", "I agree", "id=accept-btn", "#qc-cmp2-container")
        + button("rejected", "I do not agree", "id=disagree-btn", "#qc-cmp2-container")
        + "</div></div>",
    ),
    "iubenda with settings": Wall(
        "rejected",
        f"<div id=iubenda-cs-banner style='{COVER}'>{WORDS}"
        + button("agreed", "Accept", "class=iubenda-cs-accept-btn", "#iubenda-cs-banner")
        + "<button class=iubenda-cs-customize-btn onclick=\"this.insertAdjacentHTML('afterend', "
        "'<button class=iub-btn-reject>Reject all</button><button id=iubFooterBtn onclick="
        "&quot;fetch(`/rejected`,{method:`POST`});document.querySelector(`#iubenda-cs-banner`)"
        ".remove()&quot;>Save and continue</button>')\">Customize</button></div>",
    ),
    "an unknown English dialog that loads the page again": Wall(
        "rejected",
        "<script>if (!document.cookie.includes('choice')) document.write(`"
        f"<div role=dialog id=wall style='{BOX}'><p>We use cookies to store your visit.</p>"
        "<button onclick=\"fetch('/agreed',{method:'POST'})\">Accept all</button>"
        "<button onclick=\"fetch('/rejected',{method:'POST'}).then(() => {"
        "document.cookie = 'choice=no'; location.reload() })\">Reject all</button></div>`)</script>",
    ),
    "an unknown English wall that asks for payment": Wall(
        "refused",
        f"<div style='{COVER}'><div id=wall><h2>Continue with ads, or subscribe</h2>"
        "<p>We and our 214 partners use cookies.</p>" + button("agreed", "Accept and continue")
        + button("paid", "Subscribe ad-free for €4") + "</div></div>",
    ),
    "payment or consent in a frame of the same site": Wall(
        "refused",
        framed("https://cmp.zeitung.example/wall.html"),
        {
            "https://cmp.zeitung.example/wall.html": "<h1>Mit Werbung lesen</h1>" + WORDS
            + in_frame("agreed", "Zustimmen", "") + in_frame("paid", "Pur-Abo abschließen", "")
        },
    ),
    "a wall with OK alone": Wall(
        "refused",
        f"<div id=wall style='{COVER}'>{WORDS}" + button("agreed", "Verstanden") + "</div>",
    ),
    "a rule that calls OK a rejection": Wall(
        "refused",
        f"<div id=cookie-policy-info style='{COVER}'>{WORDS}<button class=btn-setting>"
        "Einstellungen</button>"
        + button("agreed", "Alle akzeptieren", "class=btn-ok", "#cookie-policy-info") + "</div>",
    ),
    "a newsletter": Wall(
        "read",
        f"<div id=wall style='{COVER}'><h2>Unser Newsletter</h2><p>Jeden Morgen das Wichtigste."
        "</p>" + button("paid", "Anmelden") + "</div>",
    ),
    "a subscription": Wall(
        "read",
        f"<div id=wall style='{COVER}'><h2>Weiterlesen mit Abo</h2><p>Für 9,99 € im Monat.</p>"
        + button("paid", "Jetzt abonnieren") + "</div>",
    ),
}  # fmt: skip
"""Walls that were written before the code, and not tried until it was complete."""

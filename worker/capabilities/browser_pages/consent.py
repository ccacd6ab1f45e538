"""Requests for consent: autoconsent rejects them, in a world of each frame that pages do not reach.

It is the published package `@duckduckgo/autoconsent`, which an installation brings. It is told to
reject; a click on a button that agrees is dropped in addition, whatever a rule of it says.
"""

import json
import math
import time
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from worker.capabilities.browser_pages.browser import NoRoomError
from worker.capabilities.browser_pages.devtools import BrowserError, DevTools, EndedError

SCRIPT, RULES = Path("dist/autoconsent.playwright.js"), Path("rules/compact-rules.json")
"""The files of the package: the program, and its rules without those that agree."""
WORLD, SEND = "lesart", "lesartSend"
CONFIG = {
    "autoAction": "optOut", "heuristicMode": "reject", "enableCosmeticRules": False,
    "enablePrehide": False, "isMainWorld": False,
}  # fmt: skip
EXPECTED_SECONDS = 2.5
"""How long a request is awaited, after a page loaded a program that shows such requests."""
SEARCH_SECONDS = 0.5
"""How long the program has, from the begin of its second search on: the first by words."""
SECONDS = 2.0
"""Maximum time of a call to one frame."""
BUTTONS = r"""
const AGREES = /accept|\bagree|\ballow|\bconsent|akzeptier|zustimm|einverstanden|einwillig|zulassen
  |erlaub|\bok(ay)?\b|verstanden|got it|mit werbung|with ads/i
const OTHERWISE = /nicht|\bnot?\b|ohne|without|\bnur|only|necessary|notwendig|erforderlich
  |essen[tz]i|required|reject|ablehn|decline|disagree|none|selected|auswahl|ausgewählt|manage|setting|preferenc
  |option|customi[sz]e|einstell|verwalt|anpassen|widerruf|withdraw|revoke/i
const labelOf = e => (e.innerText || e.value || e.getAttribute('aria-label') || '').trim()
const agrees = e => { const text = labelOf(e).slice(0, 200)
  return AGREES.test(text) && !OTHERWISE.test(text) }
""".replace("\n  |", "|")
"""Whether a button agrees, by its label in English or German."""
SHIM = f"""{BUTTONS}
const sendMessage = message => {SEND}(JSON.stringify({{...message, isTop: top === window}}))
const click = HTMLElement.prototype.click
HTMLElement.prototype.click = function () {{
  sendMessage({{type: agrees(this) ? 'agreed' : 'clicked'}})
  if (!agrees(this)) click.call(this)
}}
globalThis.autoconsentSendMessage = async message =>
  message.type !== 'report' ? sendMessage(message) :
    message.state.findCmpAttempts === 2 && sendMessage({{type: 'searched'}});
"""
REQUEST = f"""(() => {{ {BUTTONS}
const WORDS = /cookie|tracking|einwillig|zustimm|consent|personali[sz]|werbe|mit werbung|with ads
  |ad-free|pur[- ]?abo/i
const rootsOf = root => [root, ...[root, ...root.querySelectorAll('*')].flatMap(
  each => each.shadowRoot ? rootsOf(each.shadowRoot) : [])]
const isRequest = roots =>
  WORDS.test(roots.map(each => each.innerText ?? each.textContent).join(' ')) &&
  roots.some(root => [...root.querySelectorAll('button,a,input,[role=button]')].some(
    each => each.checkVisibility() && agrees(each)))
if (top !== window) return {{isRequest: !!document.body && isRequest(rootsOf(document.body))}}
const overlays = new Set(), places = [.1, .3, .5, .7, .9]
let covered = 0
for (const x of places) for (const y of places) {{
  let element = document.elementFromPoint(x * innerWidth, y * innerHeight), inner
  while ((inner = element?.shadowRoot?.elementFromPoint(x * innerWidth, y * innerHeight)) &&
    inner !== element) element = inner
  for (; element; element = element.parentElement ?? element.getRootNode().host) {{
    const style = getComputedStyle(element)
    if (style.position === 'fixed' || style.position === 'absolute' && style.zIndex > 0) break
  }}
  if (!element || element.querySelector('article, main')) continue
  overlays.add(element)
  covered++
}}
const roots = [...overlays].flatMap(rootsOf)
return {{isCovered: covered * 2 > places.length ** 2, isRequest: isRequest(roots),
  hasFrame: roots.some(each => each.querySelector('iframe'))}} }})()""".replace("\n  |", "|")
"""Whether half of the window is covered, and by a request for consent or with a frame in it."""

Context = tuple[str, int]
"""A frame's world: the session of its process, and its number there."""


@dataclass(frozen=True, slots=True)
class ConsentPackage:
    """The program, and the rules of pages and of their frames."""

    script: str
    rules: Mapping[bool, Mapping[str, Any]]


@lru_cache(maxsize=1)
def load_package(folder: Path) -> ConsentPackage:
    """Read the package in a folder. Raises: NoRoomError if it is not there."""
    try:
        script = (folder / SCRIPT).read_text("utf-8")
        found = json.loads((folder / RULES).read_text("utf-8"))
        index, rules = found["index"], found["r"]
        begin, end = index["frameRuleRange"]
        of_frames = {**found, "s": found["s"][: index["frameStringEnd"]], "r": rules[begin:end]}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise NoRoomError(f"{folder} is not the package autoconsent: {error}") from error
    return ConsentPackage(SHIM + script, {True: found, False: of_frames})


def package_reason(folder: Path) -> str | None:
    """Return why the package cannot be used; None if it can."""
    try:
        load_package(folder)
    except NoRoomError as error:
        return str(error)
    return None


@dataclass(slots=True)
class ConsentRejecter:
    """Rejects requests for consent in all frames of a page; `rejected` are their rules."""

    tools: DevTools
    package: ConsentPackage
    rejected: set[str] = field(default_factory=set)
    is_expected: bool = False
    _searched_at: float = math.inf
    _sessions: list[str] = field(default_factory=list)
    _messages: deque[tuple[Context, dict[str, Any]]] = field(default_factory=deque)
    _frames: dict[Context, str] = field(default_factory=dict)
    _worlds: dict[tuple[str, str], int] = field(default_factory=dict)
    _open: dict[Context, str] = field(default_factory=dict)
    _clicks: dict[Context, set[str]] = field(default_factory=dict)

    @property
    def quiet_seconds(self) -> float:
        """Return for how long a text must be equal: a request may come, or is being rejected."""
        is_searched = time.monotonic() - self._searched_at >= SEARCH_SECONDS
        if self._open:
            return math.inf
        return 0.0 if is_searched and not self.is_expected else EXPECTED_SECONDS

    def attach(self, session: str) -> None:
        """Inject the program into all frames of a process, and those that they open elsewhere."""
        self._sessions.append(session)
        post = self.tools.post
        post("Page.enable", session)
        post("Runtime.enable", session)
        post("Runtime.addBinding", session, name=SEND, executionContextName=WORLD)
        post(
            "Page.addScriptToEvaluateOnNewDocument", session, source=self.package.script,
            worldName=WORLD,
        )  # fmt: skip
        post(
            "Target.setAutoAttach", session, autoAttach=True, waitForDebuggerOnStart=True,
            flatten=True, filter=[{"type": "iframe"}],
        )  # fmt: skip
        post("Runtime.runIfWaitingForDebugger", session)

    def accept_event(self, method: str, values: Mapping[str, Any], session: str | None) -> None:
        """Note a message of the program, or a frame in another process."""
        if method == "Target.attachedToTarget":
            self.attach(values["sessionId"])
        elif method == "Target.detachedFromTarget" and values["sessionId"] in self._sessions:
            self._sessions.remove(values["sessionId"])
        elif method == "Runtime.executionContextCreated" and session is not None:
            found = values["context"]
            frame = found["auxData"].get("frameId", "")
            if found["name"] == WORLD:
                self._frames[session, found["id"]] = frame
            elif found["auxData"].get("isDefault"):
                self._worlds[session, frame] = found["id"]
        elif method == "Runtime.bindingCalled" and values["name"] == SEND and session is not None:
            context = session, values["executionContextId"]
            self._messages.append((context, json.loads(values["payload"])))

    def work(self) -> None:
        """Answer the messages so far, and note the frames that are gone. Raises: EndedError."""
        while self._messages:
            context, message = self._messages.popleft()
            with suppress(BrowserError, KeyError):  # the frame is gone
                self._answer(context, message)
        for context in list(self._open):
            try:
                self._evaluate(context, "1")
            except EndedError:
                raise
            except BrowserError:
                self._end(context, is_success="clicked" in self._clicks.get(context, ()))

    def _answer(self, context: Context, message: Mapping[str, Any]) -> None:
        kind = message.get("type")
        if kind == "init":
            if message["isTop"]:  # the page, or the page loaded again
                self._searched_at, self.is_expected = math.inf, False
            rules = {"autoconsent": [], "compact": self.package.rules[message["isTop"]]}
            self._send(context, {"type": "initResp", "config": CONFIG, "rules": rules})
        elif kind == "eval":
            result = self._evaluate_in_page(context, message["code"])
            self._send(context, {"type": "evalResp", "id": message["id"], "result": result})
        elif kind == "searched" and message["isTop"]:
            self._searched_at = min(self._searched_at, time.monotonic())
        elif kind == "cmpDetected":
            self.is_expected = True
        elif kind == "popupFound":
            self.is_expected = False
            self._open[context] = message["cmp"]
        elif kind == "optOutResult":
            self._end(context, is_success=message["result"])
        elif kind in {"agreed", "clicked"}:
            self._clicks.setdefault(context, set()).add(kind)

    def _end(self, context: Context, *, is_success: bool) -> None:
        name = self._open.pop(context, None)
        if name is not None and is_success and "agreed" not in self._clicks.get(context, ()):
            self.rejected.add(name)

    def _send(self, context: Context, message: Mapping[str, Any]) -> None:
        self._evaluate(context, f"void autoconsentReceiveMessage({json.dumps(message)})")

    def _evaluate(self, context: Context, expression: str) -> dict[str, Any]:
        session, number = context
        found = self.tools.call(
            "Runtime.evaluate", session, expression=expression, contextId=number, seconds=SECONDS
        )
        result: dict[str, Any] = found["result"]
        return result

    def _evaluate_in_page(self, context: Context, code: str) -> bool:
        """Evaluate code of a rule in the world of the page itself, which may falsify the result."""
        session = context[0]
        own = self._worlds[session, self._frames[context]]
        found = self.tools.call(
            "Runtime.evaluate", session, expression=code, contextId=own, awaitPromise=True,
            returnByValue=True, seconds=SECONDS,
        )  # fmt: skip
        return bool(found["result"].get("value"))

    def is_covered(self) -> bool:
        """Check whether a request for consent covers the page. Raises: EndedError."""
        found = [each for session in self._sessions for each in self._requests(session)]
        pages = [each for each in found if each.get("isCovered")]
        has_frame = any(each["hasFrame"] for each in pages)
        is_own = any(each["isRequest"] for each in pages)
        return is_own or (has_frame and any(each["isRequest"] for each in found))

    def _requests(self, session: str) -> list[dict[str, Any]]:
        """Return what each frame of a process shows."""
        found = []
        try:
            trees = [self.tools.call("Page.getFrameTree", session, seconds=SECONDS)["frameTree"]]
            for tree in trees:
                trees += tree.get("childFrames", ())
                frame = tree["frame"]["id"]
                world = self.tools.call(
                    "Page.createIsolatedWorld", session, frameId=frame, seconds=SECONDS
                )["executionContextId"]
                answer = self.tools.call(
                    "Runtime.evaluate", session, expression=REQUEST, contextId=world,
                    returnByValue=True, seconds=SECONDS,
                )["result"]  # fmt: skip
                found.append(answer.get("value") or {"isRequest": False})
        except EndedError:
            raise
        except BrowserError:
            pass
        return found

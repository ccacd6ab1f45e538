(() => {
  "use strict";
  // a passage that is selected in an archived text can be cited or watched with one click
  const text = document.querySelector("[data-cite]");
  const offer = document.querySelector("#selection");
  if (text && offer) {
    document.addEventListener("selectionchange", () => {
      const chosen = document.getSelection();
      const passage = chosen && text.contains(chosen.anchorNode) ? chosen.toString().trim() : "";
      offer.hidden = passage.length < 3;
      for (const link of offer.children) {
        const target = new URL(link.href);
        target.searchParams.set("passage", passage.slice(0, 4000));
        link.href = target;
      }
    });
  }
  // a click on a sentence shows its history below the paragraph; the link alone would load the page anew
  const sentences = text ? text.querySelectorAll('a[href$="#s"]') : [];
  for (const link of sentences) {  // text in a link cannot be selected; the sentence history has links for the keyboard
    link.dataset.to = link.href;
    link.removeAttribute("href");
  }
  if (text) text.addEventListener("click", async (event) => {
    const link = event.target.closest("a[data-to]");
    if (!link || String(document.getSelection()).trim()) return;
    const answer = await fetch(link.dataset.to, { headers: { accept: "text/html" } }).catch(() => null);
    const page = answer && answer.ok && new DOMParser().parseFromString(await answer.text(), "text/html");
    const card = page && page.querySelector("aside.sentence");
    if (!card) { location.assign(link.dataset.to); return; }
    for (const old of text.querySelectorAll("aside.sentence")) old.remove();
    for (const each of sentences) each.removeAttribute("aria-current");
    link.setAttribute("aria-current", "true");
    link.parentElement.after(card);
    const address = new URL(link.dataset.to);
    if (new URLSearchParams(location.search).has("age")) address.searchParams.set("age", "1");
    history.replaceState(null, "", address);
  });
  // how long ago a change was seen, in words
  const ago = new Intl.RelativeTimeFormat(document.documentElement.lang, { numeric: "auto" });
  for (const place of document.querySelectorAll("[data-ago]")) {
    const times = place.querySelectorAll("time");
    const seconds = (new Date(times[times.length - 1].dateTime) - Date.now()) / 1000;
    const units = [["year", 31556952], ["month", 2629746], ["day", 86400], ["hour", 3600], ["minute", 60]];
    const [unit, size] = units.find(([, length]) => Math.abs(seconds) >= length) || units[4];
    place.append(` · ${ago.format(Math.trunc(seconds / size), unit)}`);
  }
  // keys: left and right go to the edit before and after, / searches, j and k go from change to change
  const stops = [...document.querySelectorAll("[data-stop]")];
  let at = -1;
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (/^(input|textarea|select)$/i.test(event.target.tagName)) return;
    if (event.key === "/") {
      const field = document.querySelector("input[type=search]");
      if (field) { event.preventDefault(); field.focus(); }
    } else if (event.key === "ArrowLeft" || event.key === "ArrowRight") {
      const step = document.querySelector(event.key === "ArrowLeft" ? ".steps [rel=prev]" : ".steps [rel=next]");
      if (step && !event.target.closest(".scroll")) step.click();
    } else if ((event.key === "j" || event.key === "k") && stops.length) {
      at = Math.min(Math.max(at + (event.key === "j" ? 1 : -1), 0), stops.length - 1);
      stops[at].focus();
      stops[at].scrollIntoView({ block: "center" });
    }
  });
  // forms that are sent as JSON with a token, which this browser keeps
  for (const form of document.querySelectorAll("form[data-send]")) {
    const said = form.querySelector("[role=status]");
    form.elements.token.value = localStorage.getItem("token") || "";
    form.hidden = false;
    form.addEventListener("invalid", (event) => {  // a field that is required opens the part that it is in
      for (const part of form.querySelectorAll("details")) part.open ||= part.contains(event.target);
    }, true);
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const { token, ...fields } = Object.fromEntries(new FormData(form, event.submitter));
      localStorage.setItem("token", token);
      const headers = {
        authorization: `Bearer ${token}`, "content-type": "application/json",
        accept: "text/html", "accept-language": document.documentElement.lang,
      };
      const answer = await fetch(form.dataset.send, { method: "POST", headers, body: JSON.stringify(fields) }).catch(() => null);
      if (answer && answer.ok) { location.reload(); return; }
      const page = answer && new DOMParser().parseFromString(await answer.text(), "text/html");
      said.textContent = (page && page.querySelector(".lede") || { textContent: "?" }).textContent;
      said.hidden = false;
    });
  }
  for (const field of document.querySelectorAll(".pick input")) {
    field.addEventListener("input", () => { field.previousElementSibling.value = field.value; });
  }
})();

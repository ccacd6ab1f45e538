(() => {
  "use strict";
  // a passage that is selected in an archived text can be cited with one click
  const text = document.querySelector("[data-cite]");
  const cite = document.querySelector("#cite-selection");
  if (text && cite) {
    document.addEventListener("selectionchange", () => {
      const chosen = document.getSelection();
      const passage = chosen && text.contains(chosen.anchorNode) ? chosen.toString().trim() : "";
      cite.hidden = passage.length < 3;
      const target = new URL(text.dataset.cite, location.href);
      target.searchParams.set("passage", passage.slice(0, 4000));
      cite.href = target.pathname + target.search;
    });
  }
  // keys: / searches, j and k go from change to change
  const stops = [...document.querySelectorAll("[data-stop]")];
  let at = -1;
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (/^(input|textarea|select)$/i.test(event.target.tagName)) return;
    if (event.key === "/") {
      const field = document.querySelector("input[type=search]");
      if (field) { event.preventDefault(); field.focus(); }
    } else if ((event.key === "j" || event.key === "k") && stops.length) {
      at = Math.min(Math.max(at + (event.key === "j" ? 1 : -1), 0), stops.length - 1);
      stops[at].focus();
      stops[at].scrollIntoView({ block: "center" });
    }
  });
})();

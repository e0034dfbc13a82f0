// Keeps a page as things are. The server's events are names of what has changed: runs/vip-expansion/r-1, or everything. A part of
// the page that shows such a thing says so (data-live: names, or what they begin with), and is fetched again and put in the place
// of the old one. Without this script a page shows how things were when it was made.

const parts = () => [...document.querySelectorAll("[data-live]")];
const shows = (part, names) => [...names].some((name) => name === "everything" ||
  part.dataset.live.split(" ").some((shown) => name === shown || (shown.endsWith("/") && name.startsWith(shown))));
const filledIn = (part) => part.contains(document.activeElement) && document.activeElement.matches("input, select");

let heard = new Set(); // names since the last fetch began
let busy = false;

async function renew() {
  if (busy) return;
  busy = true;
  while (heard.size > 0) {
    const names = heard, begun = performance.now();
    heard = new Set();
    if (!parts().some((part) => shows(part, names))) continue;
    const answer = await fetch(location.href).catch(() => null);
    if (!answer?.ok || answer.redirected) break;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const part of parts()) {
      const fresh = page.getElementById(part.id);
      if (fresh && shows(part, names) && !filledIn(part) && fresh.innerHTML !== part.innerHTML) put(part, fresh);
    }
    document.getElementById("as-of").replaceWith(page.getElementById("as-of"));
    // Names come in swarms, and a page of a million members takes the server some time.
    await new Promise((resume) => setTimeout(resume, Math.max(400, 5 * (performance.now() - begun))));
  }
  busy = false;
}

// put replaces a part. What somebody has opened stays open, and the focus where it was.
function put(part, fresh) {
  const held = part.contains(document.activeElement) && document.activeElement.getAttribute("href");
  for (const open of part.querySelectorAll("details[open]")) fresh.querySelector(`#${CSS.escape(open.id)}`)?.setAttribute("open", "");
  part.replaceWith(fresh);
  if (held) fresh.querySelector(`[href="${CSS.escape(held)}"]`)?.focus({ preventScroll: true });
}

// A page that nobody sees does not listen: a browser has few connections for all pages of a server. Whoever begins to listen is
// told that everything may have changed.
let events = null;

function listen() {
  events?.close();
  if (document.hidden || parts().length === 0) return;
  const state = document.getElementById("live");
  events = new EventSource("/api/events");
  events.onopen = () => { state.textContent = state.dataset.on; };
  events.onerror = () => { state.textContent = state.dataset.off; };
  events.onmessage = ({ data }) => { heard.add(data); renew(); };
}

document.addEventListener("visibilitychange", listen);
listen();

"use strict";
// What pages do besides what the server has drawn: times in the reader's zone, how long ago they
// were, what is wrong in a form, and the live part.

(() => {
  const footer = document.getElementById("zone");
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  let utc = localStorage.getItem("utc") === "yes";

  function inZone(at, timeZone, precise) {
    const parts = new Intl.DateTimeFormat("en-CA", {
      timeZone, hourCycle: "h23", year: "numeric", month: "2-digit",
      day: "2-digit", hour: "2-digit", minute: "2-digit", second: precise ? "2-digit" : undefined,
    }).formatToParts(at);
    const of = (type) => parts.find((part) => part.type === type).value;
    const date = `${of("year")}-${of("month")}-${of("day")} ${of("hour")}:${of("minute")}`;
    return date + (precise ? `:${of("second")}` : "");
  }

  function showTimes() {
    for (const time of document.querySelectorAll("time[data-precise]")) {
      const at = inZone(new Date(time.dateTime), utc ? "UTC" : zone, time.dataset.precise === "1");
      time.textContent = at + (utc ? " UTC" : "");
    }
    if (footer === null) return;
    footer.hidden = document.querySelector("time[data-precise]") === null;
    footer.querySelector("span").textContent = utc ? "Times are in UTC." : `Times are in ${zone}.`;
    footer.querySelector("button").hidden = zone === "UTC";
    footer.querySelector("button").textContent = utc ? `Show them in ${zone}` : "Show them in UTC";
  }

  footer?.querySelector("button").addEventListener("click", () => {
    utc = !utc;
    localStorage.setItem("utc", utc ? "yes" : "no");
    showTimes();
  });
  showTimes();

  for (const field of document.querySelectorAll("[type=datetime-local]")) {
    const said = document.createElement("p");
    said.className = "help";
    said.setAttribute("role", "status");
    field.after(said);
    const say = () => {
      const known = field.value && zone !== "UTC";
      said.textContent = known ? `${inZone(new Date(`${field.value}Z`), zone)} in ${zone}` : "";
    };
    field.addEventListener("input", say);
    say();
  }

  // What is wrong is where one goes on: with what is said of the whole form, or in a field.
  document.querySelector(".nonfield")?.setAttribute("tabindex", "-1");
  document.querySelector(".nonfield, [aria-invalid=true]")?.focus();

  // By the server's clock, as far as it was told with the newest part.
  let ahead = 0;
  function setClock() {
    const part = document.querySelector("[data-now]");
    if (part !== null) ahead = Date.now() - Date.parse(part.dataset.now);
  }
  function rough(seconds) {
    const rest = Math.max(0, Math.floor(seconds));
    for (const [unit, size] of [["d", 86400], ["h", 3600], ["min", 60]]) {
      if (rest >= size) return `${Math.floor(rest / size)} ${unit}`;
    }
    return `${rest} s`;
  }
  function showAges() {
    const now = Date.now() - ahead;
    for (const time of document.querySelectorAll("time[data-ago]")) {
      time.textContent = `${rough((now - Date.parse(time.dateTime)) / 1000)} ago`;
    }
  }
  setClock();
  setInterval(showAges, 5000);
  document.body.addEventListener("drawn", () => {
    showTimes();
    showAges();
  });

  // The live parts ask for themselves; see live.html.  A page that nobody looks at does not ask.
  const stale = document.getElementById("stale");
  const say = (is) => { if (stale) stale.hidden = !is; };
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (document.hidden && event.detail.elt.id.startsWith("live-")) event.preventDefault();
  });
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) document.body.dispatchEvent(new Event("refresh"));
  });
  let opened = [], focused = "";
  document.addEventListener("htmx:beforeSwap", (event) => {
    opened = [...event.detail.target.querySelectorAll("details[open]")].map((one) => one.id);
    focused = document.activeElement?.id;
    const { xhr, pathInfo } = event.detail;
    if (new URL(xhr.responseURL).pathname !== new URL(pathInfo.finalRequestPath, location).pathname) {
      event.detail.shouldSwap = false; // the session has ended: let the browser go where it is sent
      document.body.dispatchEvent(new Event("leaving"));
      location.reload();
    }
  });
  document.addEventListener("htmx:afterSwap", () => {
    say(false);
    setClock();
    showTimes();
    showAges();
    for (const id of opened) document.getElementById(id)?.setAttribute("open", "");
    // What is in a question could not take the focus while that was closed.
    if (document.activeElement === document.body) document.getElementById(focused)?.focus();
  });
  for (const failure of ["htmx:responseError", "htmx:sendError", "htmx:timeout"]) {
    document.addEventListener(failure, () => say(true));
  }
})();

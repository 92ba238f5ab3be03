"use strict";
// Draws captures as the server's socket tells that they are, wherever the page shows one.  A part is
// asked for where more than these words is different; while there is no socket, each five seconds.

(() => {
  const part = () => document.querySelector("[data-watch]");
  if (part() === null) return;
  const watch = part().dataset.watch, isList = watch === "captures";
  const said = document.getElementById("polling");
  const SOONEST = 1000, LATEST = 60000;
  const RARELY = 60000; // from one part to the next, if nothing asks for it: pictures, coverage
  const GATHER = isList ? 1000 : 300; // words are there before: to make a part is in the way of clients
  const DRAWN = ["posts", "rate", "contact"];
  let wait = SOONEST, isOpen = false, asked = Date.now(), soon = null, states = new Map();

  const make = (name, properties, ...content) => {
    const made = Object.assign(document.createElement(name), properties);
    made.append(...content);
    return made;
  };
  const time = (at) => {
    const second = new Date(at).toISOString().slice(0, 19).replace("T", " ");
    return make("time", { dateTime: at, title: `${second} UTC` });
  };
  const marked = (made, mark, value) => {
    made.dataset[mark] = value;
    return made;
  };
  const reason = (one) => {
    const since = one.since === null ? [] : ["since ", marked(time(one.since), "precise", "0")];
    const between = one.reason && since.length ? [" · "] : [];
    const words = [one.reason, ...between, ...since].filter((word) => word !== "");
    return words.length ? [make("span", { className: "reason" }, ...words)] : [];
  };
  const shape = () => {
    const made = make("span", { className: "shape" });
    made.setAttribute("aria-hidden", "true");
    return made;
  };
  const shows = {
    state: (one) => [make("span", { className: `state ${one.style}` }, shape(), one.word), ...reason(one)],
    posts: (one) => [one.posts === null ? "none yet" : one.posts.toLocaleString("en-US")],
    rate: (one, place) => [one.rate || place.dataset.none || ""],
    contact: (one) => [one.contact === null ? "never" : marked(time(one.contact), "ago", "")],
  };
  const draw = (some) => {
    for (const one of some) {
      for (const place of document.querySelectorAll(`[data-of="${one.number}"]`)) {
        place.replaceChildren(...shows[place.dataset.shows](one, place));
      }
    }
    document.body.dispatchEvent(new Event("drawn"));
  };

  const ask = () => {
    soon ??= setTimeout(() => {
      soon = null;
      document.body.dispatchEvent(new Event("refresh"));
    }, GATHER);
  };
  const isMore = (before, one) => before === undefined || !before.rate !== !one.rate ||
    Object.keys(one).some((name) => !DRAWN.includes(name) && before[name] !== one[name]);
  const take = ({ captures, numbers }) => {
    let more = numbers !== undefined;
    for (const one of captures) {
      more ||= isMore(states.get(one.number), one);
      states.set(one.number, one);
    }
    if (numbers !== undefined) states = new Map(numbers.map((number) => [number, states.get(number)]));
    draw(captures);
    if (more) ask();
  };

  document.addEventListener("htmx:beforeRequest", (event) => {
    const { elt, requestConfig } = event.detail;
    if (elt !== part()) return;
    const isInTurn = requestConfig.triggeringEvent === undefined;
    const isWell = isOpen && document.getElementById("stale").hidden;
    if (isWell && isInTurn && Date.now() - asked < RARELY) event.preventDefault();
    else asked = Date.now();
  });
  // What has come meanwhile may be newer than the part.
  document.addEventListener("htmx:afterSwap", () => draw(states.values()));

  const connect = () => {
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(`${scheme}//${location.host}/ws/site/`);
    socket.onopen = () => socket.send(JSON.stringify({ watch: [watch] }));
    socket.onmessage = (event) => {
      wait = SOONEST;
      isOpen = said.hidden = true;
      take(JSON.parse(event.data));
    };
    socket.onclose = () => {
      isOpen = said.hidden = false;
      states = new Map();
      setTimeout(connect, wait * (0.5 + Math.random()));
      wait = Math.min(wait * 2, LATEST);
    };
  };
  connect();
})();

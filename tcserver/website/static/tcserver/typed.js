"use strict";
// Keeps what was typed while a session ends: until the same person has come back to the page, in
// this tab alone.

(() => {
  const KEPT = "typed", here = location.pathname + location.search;
  const person = document.querySelector("header a[href='/account/']")?.textContent;
  const fields = () => [...document.querySelectorAll("main form[method=post]")]
    .flatMap((form) => [...form.elements])
    .filter((one) => one.name && one.type !== "submit" && one.name !== "csrfmiddlewaretoken");

  const keep = () => {
    const typed = fields().map((one) => [one.name, one.type === "checkbox" ? one.checked : one.value]);
    const isSecret = fields().some((one) => one.type === "password");
    if (!isSecret) sessionStorage.setItem(KEPT, JSON.stringify({ here, person, typed, left: false }));
  };
  const bringBack = (typed) => {
    const there = fields();
    if (there.length !== typed.length || there.some((one, at) => one.name !== typed[at][0])) return;
    there.forEach((one, at) => {
      one[one.type === "checkbox" ? "checked" : "value"] = typed[at][1];
      one.dispatchEvent(new Event("input", { bubbles: true }));
    });
    const said = document.createElement("p");
    said.className = "message warning";
    said.setAttribute("role", "status");
    said.textContent = "What you typed before you were logged out stands here again. It is not saved yet.";
    document.querySelector("main").prepend(said);
  };

  const kept = JSON.parse(sessionStorage.getItem(KEPT));
  if (person === undefined) {
    if (kept !== null) sessionStorage.setItem(KEPT, JSON.stringify({ ...kept, left: true }));
    return;
  }
  sessionStorage.removeItem(KEPT);
  if (kept?.left && kept.here === here && kept.person === person) {
    document.addEventListener("DOMContentLoaded", () => bringBack(kept.typed)); // once htmx listens
  }
  document.querySelector("main").addEventListener("submit", keep);
  document.body.addEventListener("leaving", keep);
})();

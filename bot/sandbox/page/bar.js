// The control bar, the fault menu and the tour.

import { h, icon, only, reconcile, setText } from "./dom.js";
import { addFault, moveClock, removeFaults, restartBot } from "./actions.js";
import { place, showShortcuts } from "./dialogs.js";
import { messagesOf, now, peopleOf, state } from "./state.js";
import { bot as botWords, faults as words, tour } from "./words.js";

const $ = (id) => document.getElementById(id);
const clockFormat = new Intl.DateTimeFormat(undefined, { weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
const TOUR_CLOSED = "taperline-tour-closed";
const wide = matchMedia("(min-width: 1180px)");

export function setUpBar() {
  for (const button of document.querySelectorAll("[data-clock]")) button.addEventListener("click", () => moveClock(button.dataset.clock));
  $("restart").addEventListener("click", () => state.controls.restart && restartBot());
  $("more").addEventListener("click", () => $("more").setAttribute("aria-expanded", String(document.body.classList.toggle("tools-open"))));
  $("tour-button").addEventListener("click", () => showTour($("tour").hidden));
  setUpFaults();
  drawTour();
  showTour(wide.matches && !localStorage.getItem(TOUR_CLOSED));
}

export function renderBar() {
  renderStatus();
  renderClock();
  renderFaults();
  renderTour();
  $("restart").setAttribute("aria-disabled", String(!state.controls.restart || state.botStatus === "restarting"));
  $("restart").title = state.controls.restart ? "" : botWords.noRestart;
  $("bar-trouble").hidden = !state.troubles.bar;
  setText($("bar-trouble"), state.troubles.bar ?? "");
}

export function renderClock() {
  const text = clockFormat.format(now());
  setText($("clock"), text);
  $("clock").dateTime = now().toISOString();
}

function renderStatus() {
  const status = state.connection === "live" ? state.botStatus : state.connection;
  $("bot-status").dataset.status = status;
  setText($("bot-status"), botWords[status]);
}

// Faults

function setUpFaults() {
  const kinds = words.kinds.map((kind, index) =>
    h(
      "label",
      { class: "kind" },
      h("input", { type: "radio", name: "kind", value: kind.id, checked: index === 0 }),
      h("span", {}, h("b", {}, kind.name), h("small", {}, kind.text)),
    ),
  );
  const often = words.often.map(([value, text], index) =>
    h("label", { class: "often" }, h("input", { type: "radio", name: "times", value, checked: index === 0 }), h("span", {}, text)),
  );
  const form = h(
    "form",
    {},
    h("h2", {}, words.title),
    h("p", { class: "lead" }, words.lead),
    h("fieldset", { class: "kinds" }, h("legend", { class: "unseen" }, words.title), kinds),
    h("fieldset", { class: "times" }, h("legend", {}, words.times), often),
    h("p", { class: "trouble", role: "alert", hidden: true }),
    h("button", { type: "submit", class: "primary" }, words.add),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const chosen = new FormData(form);
    const kind = words.kinds.find(({ id }) => id === chosen.get("kind"));
    addFault({ ...kind.fault, times: Number(chosen.get("times")) || null });
  });
  $("faults").append(form, h("div", { class: "active-faults", "aria-live": "polite" }));
  $("faults").addEventListener("toggle", (event) => {
    if (event.newState === "open") place($("faults"), $("faults-button"));
  });
}

function renderFaults() {
  $("faults-count").hidden = state.faults.length === 0;
  setText($("faults-count"), String(state.faults.length));
  const trouble = $("faults").querySelector(".trouble");
  trouble.hidden = !state.troubles.faults;
  setText(trouble, state.troubles.faults ?? "");
  only($("faults").querySelector(".active-faults"), state.faults, () =>
    state.faults.length === 0
      ? h("p", {}, words.calm)
      : h(
          "div",
          {},
          h("h3", {}, words.active),
          h("ul", {}, state.faults.map((fault) => h("li", {}, faultName(fault), h("span", {}, fault.times ? `${fault.times} ×` : "∞")))),
          h("button", { type: "button", class: "quiet", data: { focus: "clear" }, on: { click: removeFaults } }, words.clear),
        ),
  );
}

function faultName(fault) {
  const name = words.kinds.find(({ id }) => id === String(fault.kind))?.name ?? fault.kind;
  return fault.method && fault.method !== "*" ? `${name} · ${fault.method}` : name;
}

// Tour

function drawTour() {
  $("tour").append(
    h(
      "header",
      {},
      h("h2", {}, tour.title),
      h("button", { type: "button", class: "quiet close", "aria-label": "Close the tour", on: { click: () => showTour(false) } }, icon("close")),
    ),
    h("p", { class: "lead" }, tour.lead),
    h("ol", { class: "steps" }),
    h("p", { class: "foot" }, tour.foot),
    h("button", { type: "button", class: "quiet link", on: { click: showShortcuts } }, icon("keys"), tour.shortcuts),
  );
}

function showTour(open) {
  $("tour").hidden = !open;
  $("tour-button").setAttribute("aria-expanded", String(open));
  if (wide.matches) localStorage.setItem(TOUR_CLOSED, open ? "" : "yes");
  if (open && !wide.matches) $("tour").querySelector(".close").focus();
}

/** Escape closes the tour where it covers the phones. */
export function closeTourOverlay() {
  if (!wide.matches && !$("tour").hidden) showTour(false);
}

function renderTour() {
  const some = (role, test) => peopleOf(role).some((user) => messagesOf(user.id).some(test));
  const facts = {
    patientSpoke: some("patient", (message) => !message.from?.is_bot),
    clinicianAlerted: some("clinician", (message) => message.from?.is_bot && tour.alert.test(message.text ?? "")),
    clockMoved: state.moved,
    broken: state.broke,
  };
  reconcile(
    $("tour").querySelector(".steps"),
    tour.steps.map((step, index) => {
      const done = facts[step.done];
      return {
        key: String(index),
        on: done,
        build: () =>
          h(
            "li",
            { class: done ? "done" : "" },
            h("span", { class: "number" }, done ? icon("check") : String(index + 1)),
            h("div", {}, h("h3", {}, step.title, done ? h("span", { class: "unseen" }, " (done)") : null), h("p", {}, step.text)),
          ),
      };
    }),
  );
}

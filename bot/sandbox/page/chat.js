// The chat page: follows the sandbox, keeps the state, draws the areas.

import { onChange, TOAST } from "./actions.js";
import { closeTourOverlay, renderBar, renderClock, setUpBar } from "./bar.js";
import { askPerson } from "./dialogs.js";
import { h, icon, reconcile } from "./dom.js";
import { setUpKeys } from "./keys.js";
import { createPhone, personItem } from "./phone.js";
import { follow } from "./server.js";
import { apply, load, peopleOf, roles, state, unread } from "./state.js";

const phones = Object.fromEntries(roles.map((role) => [role, createPhone(role)]));
const title = document.title;
let due = false;

// Many events may come at once; they are drawn once.
function changed() {
  if (due) return;
  due = true;
  queueMicrotask(() => {
    due = false;
    render();
  });
}

function render() {
  renderBar();
  if (state.bot === null) return;
  document.body.classList.add("ready");
  document.body.dataset.active = state.active;
  for (const role of roles) phones[role].render();
  renderTabs();
  renderTitle();
}

function renderTabs() {
  const people = roles.flatMap((role) =>
    peopleOf(role).map((user) => personItem(role, user, state.active === role && state.phones[role].user === user.id)),
  );
  reconcile(document.getElementById("tabs"), [...people, { key: "add", build: addTab }]);
}

function addTab() {
  return h(
    "button",
    { type: "button", class: "add", "aria-label": "Add a person", data: { focus: "add" }, on: { click: () => askPerson(state.active) } },
    icon("plus"),
  );
}

function renderTitle() {
  const count = Object.keys(state.users).reduce((sum, user) => sum + unread(Number(user)), 0);
  const text = count ? `(${count}) ${title}` : title;
  if (document.title !== text) document.title = text;
}

// A bot may answer a tap with a link, usually one that opens the bot again.
function openAnswer({ user_id, url }) {
  const role = roles.find((role) => state.phones[role].user === user_id);
  if (role) phones[role].openLink(url);
}

// Dots and toasts end by themselves.
const LASTING = { typing: 5100, callback_answer: TOAST + 100 };

document.getElementById("phones").append(...roles.map((role) => phones[role].element));
onChange(changed);
setUpBar();
setUpKeys(phones, closeTourOverlay);
setInterval(renderClock, 1000);
changed();
follow({
  loaded(snapshot) {
    load(snapshot);
    changed();
  },
  happened(event) {
    apply(event);
    changed();
    if (event.type === "callback_answer" && event.url) openAnswer(event);
    if (LASTING[event.type]) setTimeout(changed, LASTING[event.type]);
  },
  lost() {
    state.connection = state.bot ? "reconnecting" : "connecting";
    changed();
  },
});

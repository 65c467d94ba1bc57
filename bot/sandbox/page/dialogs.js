// Small windows: a form, a list, a pop-up menu.

import { h, icon } from "./dom.js";
import { attach, menu as menuWords, person, roles, shortcuts } from "./words.js";
import { addPerson, sendForward, start } from "./actions.js";
import { startPayload } from "./sanitize.js";
import { state } from "./state.js";

function show(title, ...content) {
  const heading = h("h2", { id: "dialog-title" }, title);
  const close = h("button", { type: "button", class: "quiet close", "aria-label": "Close", on: { click: () => dialog.close() } }, icon("close"));
  const dialog = h("dialog", { class: "dialog", "aria-labelledby": "dialog-title", on: { close: () => dialog.remove() } }, h("header", {}, heading, close), ...content);
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

/** Ask for a few values. What `submit` throws is shown in the form; otherwise the form closes. */
function ask(title, fields, label, submit) {
  const trouble = h("p", { class: "trouble", role: "alert", hidden: true });
  const form = h(
    "form",
    { method: "dialog", class: "form" },
    fields,
    trouble,
    h("button", { type: "submit", class: "primary" }, label),
  );
  const dialog = show(title, form);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const values = Object.fromEntries([...new FormData(form)].map(([name, value]) => [name, value.trim()]).filter(([, value]) => value));
    try {
      await submit(values);
      dialog.close();
    } catch (error) {
      trouble.textContent = error.message;
      trouble.hidden = false;
    }
  });
  form.querySelector("input:not([type=radio]), textarea")?.focus();
}

function field(label, name, props = {}) {
  return h("label", { class: "field" }, h("span", {}, label), h("input", { name, autocomplete: "off", ...props }));
}

function choice(label, name, options) {
  return h("label", { class: "field" }, h("span", {}, label), h("select", { name }, options.map(([value, text]) => h("option", { value }, text))));
}

export function askPerson(role) {
  const radios = Object.entries(roles).map(([value, words]) =>
    h("label", { class: "radio" }, h("input", { type: "radio", name: "role", value, checked: value === role }), h("span", {}, words.phone)),
  );
  ask(
    roles[role].add,
    [
      h("div", { class: "pair" }, field(person.first, "first_name", { required: true, maxlength: 64 }), field(person.last, "last_name", { maxlength: 64 })),
      h("fieldset", { class: "radios" }, h("legend", {}, person.role), radios),
      choice(person.language, "language_code", person.languages),
      field(person.about, "about", { maxlength: 200 }),
    ],
    person.add,
    addPerson,
  );
}

export function askForward(role) {
  ask(
    attach.forward,
    [
      field(attach.forwardFrom, "from", { required: true, maxlength: 64 }),
      h("label", { class: "field" }, h("span", {}, attach.forwardText), h("textarea", { name: "text", rows: 3, required: true })),
    ],
    attach.send,
    ({ text, from }) => sendForward(role, text, from),
  );
}

export function askInvite(role) {
  ask(menuWords.invite, [field(menuWords.inviteLink, "link", { required: true, placeholder: `https://t.me/${state.bot.username}?start=…` })], menuWords.open, ({ link }) => {
    const payload = startPayload(link, state.bot.username);
    if (payload === null) throw new Error(menuWords.notAnInvite(state.bot.username));
    start(role, payload);
  });
}

export function showShortcuts() {
  if (document.querySelector("dialog[open]")) return;
  show(menuWords.shortcuts, h("dl", { class: "shortcuts" }, shortcuts.flatMap(([keys, what]) => [h("dt", {}, keys), h("dd", {}, what)])));
}

/** A menu at an element: items are {text, icon, run} or null. Arrow keys move in it, Escape closes it. */
export function openMenu(anchor, items) {
  const popover = document.getElementById("menu");
  const buttons = items.filter(Boolean).map((item) =>
    h("button", { type: "button", role: "menuitem", on: { click: () => { popover.hidePopover(); item.run(); } } }, icon(item.icon), item.text),
  );
  popover.replaceChildren(...buttons);
  popover.onkeydown = (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.key === "Tab") popover.hidePopover();
    if (!step) return;
    event.preventDefault();
    buttons[(buttons.indexOf(document.activeElement) + step + buttons.length) % buttons.length].focus();
  };
  anchor.focus({ preventScroll: true });
  popover.showPopover();
  place(popover, anchor);
  buttons[0]?.focus();
}

/** Put a popover beside its anchor, inside the window. */
export function place(popover, anchor) {
  const at = anchor.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = popover;
  const below = at.bottom + 6 + height <= innerHeight;
  popover.style.left = `${Math.max(8, Math.min(at.left, innerWidth - width - 8))}px`;
  popover.style.top = `${below ? at.bottom + 6 : Math.max(8, at.top - height - 6)}px`;
}

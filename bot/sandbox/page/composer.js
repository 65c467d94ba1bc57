// The lower end of a phone: writing, commands, attachments, the reply keyboard, a blocked bot.

import { h, icon, only, reconcile } from "./dom.js";
import * as act from "./actions.js";
import { askForward, openMenu } from "./dialogs.js";
import { preview } from "./message.js";
import { messagesOf, replyKeyboard, state } from "./state.js";
import { attach, chat as words, menu, roles } from "./words.js";

/** Build the composer of a role once; `leave` is called to go from an empty message up to the chat. */
export function createComposer(role, leave) {
  const area = (name, props = {}) => h("div", { class: name, ...props });
  const suggestions = area("suggestions", { role: "listbox", id: `${role}-commands`, "aria-label": menu.commands });
  const note = area("note-slot");
  const replyKeys = area("reply-keys");
  const blocked = area("blocked-slot");
  const composer = createForm();
  const phone = () => state.phones[role];
  const drafts = {};
  let drawn = null; // "user/chat" whose draft is in the form

  function render(somebody) {
    const { user, chat } = phone();
    switchDraft(`${user}/${chat}`);
    const isBlocked = somebody && state.chats[chat].blocked;
    composer.form.hidden = !somebody || isBlocked;
    only(blocked, isBlocked, !isBlocked ? null : () =>
      h("div", { class: "blocked" }, h("p", {}, words.blocked), h("button", { type: "button", class: "primary", on: { click: () => act.block(role, false) } }, words.unblock)),
    );
    const compose = state.compose[user];
    only(note, compose, !compose ? null : () => noteNode(compose));
    const keyboard = somebody && replyKeyboard(chat);
    const fresh = somebody && messagesOf(chat).length === 0;
    composer.text.placeholder = fresh ? words.composeFirst : (keyboard?.input_field_placeholder ?? words.compose);
    composer.keys.hidden = !keyboard;
    composer.keys.setAttribute("aria-expanded", String(Boolean(keyboard) && state.folded[chat] !== keyboard.id));
    composer.slash.hidden = state.commands.length === 0;
    renderSuggestions();
    renderReplyKeys();
  }

  function noteNode({ mode, message }) {
    const original = state.messages[phone().chat]?.[message];
    return h(
      "div",
      { class: "note" },
      icon(mode === "edit" ? "pencil" : "reply"),
      h("p", {}, h("b", {}, mode === "edit" ? words.editing : (original?.from?.first_name ?? "")), h("span", {}, original ? preview(original) : "")),
      h("button", { type: "button", class: "quiet", "aria-label": "Cancel", on: { click: stopComposing } }, icon("close")),
    );
  }

  function renderSuggestions() {
    const found = composer.form.hidden ? [] : suggested();
    suggestions.hidden = found.length === 0;
    reconcile(suggestions, found.map((command, index) => ({
      key: command.command,
      on: [command, index === composer.choice],
      build: () => h(
        "button",
        { type: "button", role: "option", id: `${role}-${command.command}`, tabindex: -1, "aria-selected": String(index === composer.choice), on: { click: () => sendCommand(command) } },
        h("b", {}, `/${command.command}`),
        h("span", {}, command.description),
      ),
    })));
    const chosen = found[composer.choice];
    if (chosen) composer.text.setAttribute("aria-activedescendant", `${role}-${chosen.command}`);
    else composer.text.removeAttribute("aria-activedescendant");
  }

  function suggested() {
    const typed = /^\/(\w*)$/.exec(composer.text.value)?.[1];
    return typed === undefined ? [] : state.commands.filter(({ command }) => command.startsWith(typed));
  }

  function renderReplyKeys() {
    const { chat } = phone();
    const keyboard = chat === null || state.chats[chat]?.blocked ? null : replyKeyboard(chat);
    const open = keyboard && state.folded[chat] !== keyboard.id;
    only(replyKeys, keyboard, !open ? null : () => h(
      "div",
      { class: "reply-keyboard", role: "group", "aria-label": "Reply keyboard" },
      keyboard.keyboard.map((row) => h("div", { class: "keys" }, row.map((button) => replyKey(button, keyboard)))),
    ));
  }

  function replyKey(button, keyboard) {
    const { text, request_contact: contact, request_location: location } = typeof button === "string" ? { text: button } : button;
    const press = () => {
      if (keyboard.one_time_keyboard) state.folded[phone().chat] = keyboard.id;
      if (contact) act.sendKind(role, "contact");
      else if (location) act.sendKind(role, "location");
      else act.sendText(role, text);
    };
    return h("button", { type: "button", class: "key", data: { focus: `r${text}` }, on: { click: press } }, h("span", { class: "label" }, text));
  }

  // Writing

  function createForm() {
    const text = h("textarea", { rows: 1, "aria-label": `${roles[role].phone}: ${words.compose}`, "aria-autocomplete": "list", "aria-controls": `${role}-commands`, enterkeyhint: "send" });
    const file = h("input", { type: "file", hidden: true });
    const clip = h("button", { type: "button", class: "quiet", "aria-label": attach.title, "aria-haspopup": "menu" }, icon("clip"));
    const slash = h("button", { type: "button", class: "quiet", "aria-label": menu.commands }, icon("slash"));
    const keys = h("button", { type: "button", class: "quiet", "aria-label": "Reply keyboard" }, icon("keys"));
    const send = h("button", { type: "submit", class: "send", "aria-label": "Send" }, icon("send"));
    const form = h("form", { class: "composer" }, clip, text, slash, keys, send, file);
    const parts = { form, text, slash, keys, choice: 0 };

    form.addEventListener("submit", (event) => {
      event.preventDefault();
      submit();
    });
    text.addEventListener("input", () => {
      parts.choice = 0;
      fit();
      renderSuggestions();
    });
    text.addEventListener("keydown", composerKey);
    text.addEventListener("paste", (event) => act.sendDropped(role, event, event.clipboardData.files));
    clip.addEventListener("click", () => openAttachMenu(clip, file));
    slash.addEventListener("click", () => {
      text.value = text.value === "/" ? "" : "/";
      text.focus();
      renderSuggestions();
    });
    keys.addEventListener("click", () => {
      const keyboard = replyKeyboard(phone().chat);
      state.folded[phone().chat] = state.folded[phone().chat] === keyboard.id ? null : keyboard.id;
      act.redraw();
    });
    file.addEventListener("change", () => {
      for (const one of file.files) act.sendFile(role, one);
      file.value = "";
    });
    return parts;
  }

  function submit() {
    const text = composer.text.value.trim();
    if (!text) return;
    setDraft("");
    const compose = state.compose[phone().user];
    if (compose?.mode === "edit") act.editText(role, compose.message, text);
    else act.sendText(role, text);
  }

  function sendCommand({ command }) {
    setDraft("");
    act.sendText(role, `/${command}`);
    composer.text.focus();
  }

  function composerKey(event) {
    const found = suggested();
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      if (found[composer.choice]) sendCommand(found[composer.choice]);
      else submit();
    } else if (found.length > 0 && ["ArrowDown", "ArrowUp"].includes(event.key)) {
      event.preventDefault();
      composer.choice = (composer.choice + (event.key === "ArrowDown" ? 1 : -1) + found.length) % found.length;
      renderSuggestions();
    } else if (found.length > 0 && event.key === "Tab") {
      event.preventDefault();
      setDraft(`/${found[composer.choice].command}`);
      renderSuggestions();
    } else if (event.key === "ArrowUp" && composer.text.value === "") {
      event.preventDefault();
      leave();
    } else if (event.key === "Escape" && state.compose[phone().user]) {
      stopComposing();
    }
  }

  function setDraft(text) {
    composer.text.value = text;
    fit();
  }

  function switchDraft(here) {
    if (drawn === here) return;
    if (drawn) drafts[drawn] = composer.text.value;
    drawn = here;
    setDraft(drafts[here] ?? "");
  }

  function fit() {
    composer.text.style.height = "auto";
    composer.text.style.height = `${Math.min(composer.text.scrollHeight, 140)}px`;
  }

  function compose(mode, message) {
    state.compose[phone().user] = { mode, message: message.message_id };
    if (mode === "edit") setDraft(message.text);
    act.redraw();
    composer.text.focus();
  }

  function stopComposing() {
    if (state.compose[phone().user]?.mode === "edit") setDraft("");
    delete state.compose[phone().user];
    act.redraw();
    composer.text.focus();
  }

  function openAttachMenu(anchor, file) {
    const sample = (kind, symbol) => ({ text: attach[kind], icon: symbol, run: () => act.sendKind(role, kind) });
    openMenu(anchor, [
      { text: attach.file, icon: "clip", run: () => file.click() },
      sample("photo", "image"),
      sample("document", "file"),
      sample("sticker", "smile"),
      sample("voice", "mic"),
      sample("location", "pin"),
      sample("contact", "person"),
      { text: attach.forward, icon: "forward", run: () => askForward(role) },
    ]);
  }

  return {
    elements: [suggestions, note, composer.form, replyKeys, blocked],
    render,
    compose,
    focus: () => !composer.form.hidden && composer.text.focus(),
  };
}

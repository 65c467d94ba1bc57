// One phone: who holds it, the open chat, and what the person does with it.

import { avatar, fullName, h, icon, only, reconcile, setText } from "./dom.js";
import * as act from "./actions.js";
import { askForward, askInvite, askPerson, openMenu, showShortcuts } from "./dialogs.js";
import { letterNode, messageNode, preview, serviceText } from "./message.js";
import { startPayload } from "./sanitize.js";
import { chatsOf, lettersIn, isTyping, latestKeyboard, look, messagesOf, now, replyKeyboard, state, unread, unreadIn } from "./state.js";
import { attach, bot as botWords, chat as words, menu, nobody, roles } from "./words.js";

const RUN = 5 * 60; // seconds within which messages of one sender stay together
const TOAST = 3500;
const dayFormat = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });

/** Build the phone of a role once. `render()` draws the state; `tapNumber`, `focusComposer` and `step` are for shortcuts. */
export function createPhone(role) {
  const area = (name, props = {}) => h("div", { class: name, ...props });
  const people = area("persons");
  const head = area("head-slot");
  const chats = area("chats");
  const log = h("div", { class: "log", role: "log", tabindex: 0, "aria-label": `${roles[role].phone}: messages`, data: { home: "" } });
  const toBottom = h("button", { type: "button", class: "to-bottom", hidden: true, "aria-label": words.newBelow, on: { click: () => toEnd("smooth") } }, icon("down"));
  const toast = area("toast", { role: "status" });
  const alertArea = area("alert-slot");
  const trouble = h("p", { class: "trouble", role: "alert", hidden: true });
  const suggestions = area("suggestions", { role: "listbox", id: `${role}-commands`, "aria-label": menu.commands });
  const note = area("note-slot");
  const composer = createComposer();
  const replyKeys = area("reply-keys");
  const blocked = area("blocked-slot");
  const device = h(
    "div",
    { class: "device", tabindex: -1, data: { home: "" } },
    head, chats, h("div", { class: "paper" }, log, toBottom, toast), trouble, suggestions, note, composer.form, replyKeys, blocked, alertArea,
  );
  const add = h(
    "button",
    { type: "button", class: "add", "aria-label": roles[role].add, title: roles[role].add, on: { click: () => askPerson(role) } },
    icon("plus"),
  );
  const element = h(
    "section",
    { class: `phone ${role}`, "aria-label": roles[role].phone, data: { role } },
    h("header", { class: "people" }, h("h2", {}, roles[role].phone), people, add),
    device,
  );

  let drawn = null; // "user/chat" that is on the screen
  let drawnKeys = new Set();
  let atEnd = true; // the person reads the newest message, so it stays in view
  const drafts = {};

  const phone = () => state.phones[role];
  const isGroup = () => phone().chat !== phone().user;

  // Drawing

  function render() {
    const { user, chat } = phone();
    element.classList.toggle("active", state.active === role);
    renderPeople();
    const somebody = user !== null && chat !== null;
    device.classList.toggle("empty", !somebody);
    if (somebody && onScreen()) look(role);
    renderHead(somebody);
    renderChats();
    switchDraft(`${user}/${chat}`);
    renderToast();
    renderComposer(somebody);
    renderReplyKeys();
    trouble.hidden = !state.troubles[role];
    setText(trouble, state.troubles[role] ?? "");
    renderLog(somebody); // after what takes room from it
    renderAlert();
  }

  const onScreen = () => element.offsetParent !== null;

  function renderPeople() {
    reconcile(people, peopleHere().map((user) => personItem(role, user, user.id === phone().user)));
  }

  const peopleHere = () => Object.values(state.users).filter((user) => user.role === role);

  function renderHead(somebody) {
    const chat = state.chats[phone().chat];
    const typing = somebody && isTyping(chat.id);
    only(head, [somebody, state.bot, chat, typing], !somebody ? null : () => {
      const title = chat.title ?? state.bot.first_name;
      const about = chat.blocked ? botWords.blocked : typing ? botWords.typing : chat.title ? `${chat.members.length} members` : botWords.kind;
      return h(
        "header",
        { class: "head" },
        chat.title ? avatar({ id: chat.id, first_name: chat.title }) : h("img", { src: "/page/favicon.svg", alt: "", width: 38, height: 38 }),
        h("div", { class: "title" }, h("h3", {}, title), h("p", { class: typing ? "dots" : "" }, about)),
        h("button", { type: "button", class: "quiet", "aria-label": menu.more, "aria-haspopup": "menu", data: { focus: "more" }, on: { click: (event) => openPhoneMenu(event.currentTarget) } }, icon("dots")),
      );
    });
  }

  function renderChats() {
    const { user } = phone();
    const mine = user === null ? [] : chatsOf(user);
    chats.hidden = mine.length < 2;
    reconcile(chats, (mine.length < 2 ? [] : mine).map((chat) => {
      const current = chat.id === phone().chat;
      const count = current ? 0 : unreadIn(user, chat.id);
      return {
        key: String(chat.id),
        on: [chat.title, current, count],
        build: () => h(
          "button",
          { type: "button", "aria-current": current ? "true" : null, data: { focus: `chat${chat.id}` }, on: { click: () => act.openChat(role, chat.id) } },
          chat.title ?? state.bot.first_name,
          badge(count),
        ),
      };
    }));
  }

  function renderLog(somebody) {
    const here = `${phone().user}/${phone().chat}`;
    const switched = drawn !== here;
    const items = somebody ? logItems(switched) : [nobodyItem(role)];
    const keys = new Set(items.map((item) => item.key));
    const grown = items.some((item) => !drawnKeys.has(item.key) && item.key !== "typing");
    const mine = items.at(-1)?.own && grown;
    if (switched) log.replaceChildren();
    reconcile(log, items);
    drawn = here;
    drawnKeys = keys;
    if (switched || atEnd || mine) toEnd();
    else if (grown) toBottom.hidden = false;
  }

  function logItems(switched) {
    const { user, chat } = phone();
    const messages = messagesOf(chat);
    const letters = lettersIn(chat).filter((letter) => letter.user === user);
    if (messages.length === 0 && letters.length === 0) return [isGroup() ? groupItem() : welcomeItem(state.users[user])];
    const lastOfBot = messages.findLast((message) => message.from?.is_bot)?.message_id ?? 0;
    const latest = latestKeyboard(chat)?.message_id;
    const items = [];
    messages.forEach((message, index) => {
      const before = messages[index - 1];
      const after = messages[index + 1];
      if (!before || day(before) !== day(message)) items.push(dayItem(message));
      const service = serviceText(message);
      if (service) {
        items.push({ key: `s${message.message_id}`, on: service, build: () => h("p", { class: "service" }, service) });
        return;
      }
      const prefix = `${chat}/${message.message_id}/`;
      const view = {
        own: message.from?.id === user,
        first: !sameRun(before, message),
        last: !sameRun(message, after),
        latest: message.message_id === latest,
        waiting: Object.keys(state.waiting).filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length)),
        answered: message.message_id < lastOfBot,
        sender: isGroup() && message.from?.id !== user ? message.from?.first_name : null,
      };
      const key = `m${message.message_id}`;
      const arriving = !switched && !drawnKeys.has(key);
      items.push({ key, own: view.own, on: [message, view], build: () => messageNode(message, { ...view, arriving }) });
    });
    for (const letter of letters) items.push({ key: `l${letter.id}`, own: true, on: letter.error, build: () => letterNode(letter) });
    if (isTyping(chat)) items.push({ key: "typing", build: typingNode });
    return items;
  }

  function welcomeItem(person) {
    const { first_name: name } = state.bot;
    return {
      key: "welcome",
      on: [name, person],
      build: () => h(
        "div",
        { class: "welcome" },
        h("img", { src: "/page/favicon.svg", alt: "", width: 72, height: 72 }),
        h("h3", {}, words.empty(name)),
        h("p", {}, words.emptyText(person.first_name)),
        person.about ? h("p", { class: "about" }, person.about) : null,
        h("button", { type: "button", class: "primary start", data: { focus: "start" }, on: { click: () => act.start(role) } }, words.start),
        h("p", { class: "small" }, words.invited),
      ),
    };
  }

  const groupItem = () => ({ key: "welcome", build: () => h("div", { class: "welcome" }, h("p", {}, words.emptyGroup)) });

  function toEnd(behavior = "auto") {
    atEnd = true;
    log.scrollTo({ top: log.scrollHeight, behavior });
    toBottom.hidden = true;
  }

  function renderToast() {
    const shown = state.toasts[phone().user];
    const fresh = shown && Date.now() - shown.at < TOAST;
    toast.classList.toggle("shown", Boolean(fresh));
    if (fresh) setText(toast, shown.text);
  }

  function renderAlert() {
    const [text] = state.alerts[phone().user] ?? [];
    const had = alertArea.childElementCount > 0;
    only(alertArea, text, text === undefined ? null : () => {
      const ok = h("button", { type: "button", class: "primary", on: { click: closeAlert } }, words.ok);
      return h("div", { class: "alert", role: "alertdialog", "aria-modal": "true", "aria-label": text }, h("div", {}, h("p", {}, text), ok));
    });
    if (text !== undefined && !had && state.active === role) alertArea.querySelector("button").focus();
  }

  function closeAlert() {
    state.alerts[phone().user].shift();
    render();
    log.focus();
  }

  function renderComposer(somebody) {
    const { user, chat } = phone();
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

  function createComposer() {
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
    text.addEventListener("paste", (event) => sendFiles(event, event.clipboardData.files));
    clip.addEventListener("click", () => openAttachMenu(clip, file));
    slash.addEventListener("click", () => {
      text.value = text.value === "/" ? "" : "/";
      text.focus();
      renderSuggestions();
    });
    keys.addEventListener("click", () => {
      const keyboard = replyKeyboard(phone().chat);
      state.folded[phone().chat] = state.folded[phone().chat] === keyboard.id ? null : keyboard.id;
      render();
    });
    file.addEventListener("change", () => {
      for (const one of file.files) act.sendFile(role, one);
      file.value = "";
    });
    return parts;
  }

  function sendFiles(event, files) {
    if (files.length === 0) return;
    event.preventDefault();
    for (const file of files) act.sendFile(role, file);
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
      (log.querySelector('.key[tabindex="0"]') ?? log).focus();
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
    setDraft(drafts[here] ?? "");
  }

  function fit() {
    composer.text.style.height = "auto";
    composer.text.style.height = `${Math.min(composer.text.scrollHeight, 140)}px`;
  }

  function compose(mode, message) {
    state.compose[phone().user] = { mode, message: message.message_id };
    if (mode === "edit") setDraft(message.text);
    render();
    composer.text.focus();
  }

  function stopComposing() {
    if (state.compose[phone().user]?.mode === "edit") setDraft("");
    delete state.compose[phone().user];
    render();
    composer.text.focus();
  }

  // Menus

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

  function openPhoneMenu(anchor) {
    const isBlocked = state.chats[phone().user]?.blocked;
    openMenu(anchor, [
      { text: menu.invite, icon: "link", run: () => askInvite(role) },
      { text: isBlocked ? menu.unblock : menu.block, icon: "block", run: () => act.block(role, !isBlocked) },
      { text: menu.shortcuts, icon: "keys", run: showShortcuts },
    ]);
  }

  function openMessageMenu(anchor, message) {
    const own = message.from?.id === phone().user;
    const text = message.text ?? message.caption;
    openMenu(anchor, [
      { text: menu.reply, icon: "reply", run: () => compose("reply", message) },
      own && message.text && !message.forward_origin && { text: menu.edit, icon: "pencil", run: () => compose("edit", message) },
      text && { text: menu.forward, icon: "forward", run: () => act.sendForward(role, text, message.from?.first_name ?? state.bot.first_name) },
      text && { text: menu.copy, icon: "copy", run: () => copy(text) },
    ]);
  }

  function copy(text) {
    navigator.clipboard?.writeText(text);
    state.toasts[phone().user] = { text: words.copied, at: Date.now() };
    render();
    setTimeout(render, TOAST);
  }

  // Touching the log

  const messageAt = (node) => state.messages[phone().chat]?.[node.closest("[data-id]")?.dataset.id];

  function pressKey(key) {
    const { message, row, column } = key.dataset;
    const button = state.messages[phone().chat][message].reply_markup.inline_keyboard[row][column];
    if (button.callback_data !== undefined) act.tap(role, Number(message), Number(row), Number(column));
    else if (button.url) openLink(button.url);
    else if (button.copy_text) copy(button.copy_text.text);
  }

  function openLink(href) {
    const payload = startPayload(href, state.bot.username);
    if (payload === null) open(href, "_blank", "noopener,noreferrer");
    else act.start(role, payload);
  }

  log.addEventListener("click", (event) => {
    const found = (selector) => event.target.closest(selector);
    if (found(".key")) pressKey(found(".key"));
    else if (found("[data-command]")) {
      event.preventDefault();
      act.sendText(role, found("[data-command]").dataset.command);
    } else if (found("[data-menu]")) openMessageMenu(found("[data-menu]"), messageAt(event.target));
    else if (found("[data-retry]")) act.retry(Number(found("[data-retry]").dataset.retry));
    else if (found("[data-discard]")) act.discard(Number(found("[data-discard]").dataset.discard));
    else if (found(".spoiler")) found(".spoiler").classList.add("shown");
    else if (found("[data-add]")) askPerson(role);
    else if (found(".text a")) {
      event.preventDefault();
      openLink(found("a").href);
    }
  });
  log.addEventListener("dblclick", (event) => {
    const message = messageAt(event.target);
    if (message?.text && message.from?.id === phone().user && !message.forward_origin) compose("edit", message);
  });
  log.addEventListener("contextmenu", (event) => {
    const message = messageAt(event.target);
    if (!message || event.target.closest("a")) return;
    event.preventDefault();
    openMessageMenu(event.target.closest("[data-id]").querySelector(".bubble"), message);
  });
  let height = 0;
  log.addEventListener("scroll", () => {
    if (log.clientHeight !== height) return; // moved by a keyboard that opened, not by the person
    atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 60;
    if (atEnd) toBottom.hidden = true;
  });
  new ResizeObserver(() => {
    height = log.clientHeight;
    if (atEnd) toEnd();
  }).observe(log);
  log.addEventListener("keydown", logKey);

  function logKey(event) {
    const target = event.target;
    const key = target.closest(".key");
    if (target.matches(".spoiler") && ["Enter", " "].includes(event.key)) target.click();
    else if (event.key === "Escape") composer.text.focus();
    else if (key && event.key.startsWith("Arrow")) moveInKeyboard(key, event.key);
    else if (target.matches("[data-id]") && event.key === "Enter") openMessageMenu(target.querySelector(".bubble"), messageAt(target));
    else if (target.matches("[data-id]") && event.key === "ArrowRight") target.querySelector(".key")?.focus();
    else if (event.key === "ArrowUp") moveToMessage(target, -1);
    else if (event.key === "ArrowDown") moveToMessage(target, 1);
    else return;
    event.preventDefault();
  }

  function moveInKeyboard(key, arrow) {
    const keyboard = key.closest(".keyboard");
    const row = Number(key.dataset.row) + ({ ArrowUp: -1, ArrowDown: 1 }[arrow] ?? 0);
    const column = Number(key.dataset.column) + ({ ArrowLeft: -1, ArrowRight: 1 }[arrow] ?? 0);
    const keys = keyboard.children[row]?.children;
    if (keys) keys[Math.max(0, Math.min(column, keys.length - 1))].focus();
    else if (row < 0) key.closest("[data-id]").focus();
    else moveToMessage(key.closest("[data-id]"), 1);
  }

  function moveToMessage(from, step) {
    const messages = [...log.querySelectorAll("[data-id]")];
    const at = messages.indexOf(from);
    const next = at < 0 ? messages.at(-1) : messages[at + step];
    if (next) next.focus();
    else if (step > 0) composer.text.focus();
  }

  element.addEventListener("focusin", () => act.activate(role));
  element.addEventListener("dragover", (event) => event.preventDefault());
  element.addEventListener("drop", (event) => sendFiles(event, event.dataTransfer.files));

  return {
    element,
    render,
    focusComposer: () => (composer.form.hidden ? log : composer.text).focus(),
    openLink,
    tapNumber(number) {
      const key = log.querySelectorAll('.key[tabindex="0"]')[number - 1];
      if (key) pressKey(key);
    },
    step(by) {
      const here = peopleHere();
      const index = here.findIndex((user) => user.id === phone().user);
      if (here.length > 1) act.openPerson(role, here[(index + by + here.length) % here.length].id);
    },
  };
}

// Pieces without a phone

/** A person as an item to reconcile: on the phone's own switcher and in the tab bar of a narrow window. */
export function personItem(role, user, current) {
  const count = current ? 0 : unread(user.id);
  return {
    key: String(user.id),
    on: [user, current, count],
    build: () => h(
      "button",
      {
        type: "button",
        class: `person ${role}`,
        title: user.about || null,
        "aria-current": current ? "true" : null,
        data: { focus: `p${user.id}`, person: user.id },
        on: { click: () => act.openPerson(role, user.id) },
      },
      avatar(user),
      h("span", { class: "name" }, fullName(user)),
      badge(count),
    ),
  };
}

function badge(count) {
  return count ? h("span", { class: "badge" }, String(count), h("span", { class: "unseen" }, " unread")) : null;
}

function nobodyItem(role) {
  return {
    key: "nobody",
    build: () => h(
      "div",
      { class: "welcome" },
      h("span", { class: "round big" }, icon("person")),
      h("h3", {}, nobody.title(role)),
      h("p", {}, nobody.text[role]),
      h("button", { type: "button", class: "primary", data: { add: role } }, roles[role].add),
    ),
  };
}

function typingNode() {
  return h("div", { class: "message other first last typing", "aria-hidden": "true" }, h("div", { class: "bubble" }, h("i"), h("i"), h("i")));
}

const day = (message) => new Date(message.date * 1000).toDateString();

function dayItem(message) {
  const date = new Date(message.date * 1000);
  const today = date.toDateString() === now().toDateString();
  const text = today ? words.today : dayFormat.format(date);
  return { key: `d${day(message)}/${message.message_id}`, on: text, build: () => h("p", { class: "day" }, h("time", { datetime: date.toISOString() }, text)) };
}

function sameRun(a, b) {
  return Boolean(a && b) && a.from?.id === b.from?.id && b.date - a.date < RUN && day(a) === day(b) && !serviceText(a) && !serviceText(b);
}

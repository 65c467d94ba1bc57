// The messages of the open chat: what is drawn, and what a click or a key on them does.

import { h, icon, reconcile } from "./dom.js";
import * as act from "./actions.js";
import { askPerson, openMenu } from "./dialogs.js";
import { letterNode, messageNode, serviceText } from "./message.js";
import { startPayload } from "./sanitize.js";
import { isTyping, latestKeyboard, lettersIn, messagesOf, now, state } from "./state.js";
import { chat as words, menu, nobody, roles } from "./words.js";

const RUN = 5 * 60; // seconds within which messages of one sender stay together
const dayFormat = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });

/** Build the log of a role once; `composer` is asked to reply, to edit and to take the focus. */
export function createLog(role, composer) {
  const log = h("div", { class: "log", role: "log", tabindex: 0, "aria-label": `${roles[role].phone}: messages`, data: { home: "" } });
  const toBottom = h("button", { type: "button", class: "to-bottom", hidden: true, "aria-label": words.newBelow, on: { click: () => toEnd("smooth") } }, icon("down"));
  const phone = () => state.phones[role];
  const isGroup = () => phone().chat !== phone().user;

  let drawn = null; // "user/chat" that is on the screen
  let drawnKeys = new Set();
  let atEnd = true; // the person reads the newest message, so it stays in view

  function render(somebody) {
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

  // Menu

  function openMessageMenu(anchor, message) {
    const own = message.from?.id === phone().user;
    const text = message.text ?? message.caption;
    openMenu(anchor, [
      { text: menu.reply, icon: "reply", run: () => composer.compose("reply", message) },
      own && message.text && !message.forward_origin && { text: menu.edit, icon: "pencil", run: () => composer.compose("edit", message) },
      text && { text: menu.forward, icon: "forward", run: () => act.sendForward(role, text, message.from?.first_name ?? state.bot.first_name) },
      text && { text: menu.copy, icon: "copy", run: () => copy(text) },
    ]);
  }

  function copy(text) {
    navigator.clipboard?.writeText(text);
    act.toast(phone().user, words.copied);
  }

  // Touching

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
    if (message?.text && message.from?.id === phone().user && !message.forward_origin) composer.compose("edit", message);
  });
  log.addEventListener("contextmenu", (event) => {
    const message = messageAt(event.target);
    if (!message || event.target.closest("a")) return;
    event.preventDefault();
    openMessageMenu(event.target.closest("[data-id]").querySelector(".bubble"), message);
  });
  log.addEventListener("scroll", () => {
    atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 60;
    if (atEnd) toBottom.hidden = true;
  });
  new ResizeObserver(() => atEnd && toEnd()).observe(log);
  log.addEventListener("keydown", logKey);

  function logKey(event) {
    const target = event.target;
    const key = target.closest(".key");
    if (target.matches(".spoiler") && ["Enter", " "].includes(event.key)) target.click();
    else if (event.key === "Escape") composer.focus();
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
    else if (step > 0) composer.focus();
  }

  return {
    elements: [log, toBottom],
    render,
    openLink,
    focus: () => log.focus(),
    focusKeyboard: () => (log.querySelector('.key[tabindex="0"]') ?? log).focus(),
    tapNumber(number) {
      const key = log.querySelectorAll('.key[tabindex="0"]')[number - 1];
      if (key) pressKey(key);
    },
  };
}

// Pieces without a phone

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

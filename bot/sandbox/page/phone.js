// One phone: who holds it, which chat is open, and its two halves, the log and the composer.

import { avatar, fullName, h, icon, only, reconcile, setText } from "./dom.js";
import * as act from "./actions.js";
import { createComposer } from "./composer.js";
import { askInvite, askPerson, openMenu, showShortcuts } from "./dialogs.js";
import { createLog } from "./log.js";
import { chatsOf, isTyping, look, peopleOf, state, unread, unreadIn } from "./state.js";
import { bot as botWords, chat as words, menu, roles } from "./words.js";

/** Build the phone of a role once. `render()` draws the state; the other functions are for shortcuts. */
export function createPhone(role) {
  const area = (name, props = {}) => h("div", { class: name, ...props });
  const people = area("persons");
  const head = area("head-slot");
  const chats = area("chats");
  const toast = area("toast", { role: "status" });
  const alertArea = area("alert-slot");
  const trouble = h("p", { class: "trouble", role: "alert", hidden: true });
  const composer = createComposer(role, () => log.focusKeyboard());
  const log = createLog(role, composer);
  const device = h(
    "div",
    { class: "device", tabindex: -1, data: { home: "" } },
    head, chats, h("div", { class: "paper" }, log.elements, toast), trouble, composer.elements, alertArea,
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
  const phone = () => state.phones[role];

  function render() {
    const { user, chat } = phone();
    const somebody = user !== null && chat !== null;
    element.classList.toggle("active", state.active === role);
    if (somebody && element.offsetParent !== null) look(role);
    renderPeople();
    renderHead(somebody);
    renderChats();
    renderToast();
    trouble.hidden = !state.troubles[role];
    setText(trouble, state.troubles[role] ?? "");
    composer.render(somebody);
    log.render(somebody); // after what takes room from it
    renderAlert();
  }

  function renderPeople() {
    reconcile(people, peopleOf(role).map((user) => personItem(role, user, user.id === phone().user)));
  }

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

  function renderToast() {
    const shown = state.toasts[phone().user];
    const fresh = shown && Date.now() - shown.at < act.TOAST;
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
    act.redraw();
    log.focus();
  }

  function openPhoneMenu(anchor) {
    const isBlocked = state.chats[phone().user]?.blocked;
    openMenu(anchor, [
      { text: menu.invite, icon: "link", run: () => askInvite(role) },
      { text: isBlocked ? menu.unblock : menu.block, icon: "block", run: () => act.block(role, !isBlocked) },
      { text: menu.shortcuts, icon: "keys", run: showShortcuts },
    ]);
  }

  element.addEventListener("focusin", () => act.activate(role));
  element.addEventListener("dragover", (event) => event.preventDefault());
  element.addEventListener("drop", (event) => act.sendDropped(role, event, event.dataTransfer.files));

  return {
    element,
    render,
    focusComposer: composer.focus,
    openLink: log.openLink,
    tapNumber: log.tapNumber,
    step(by) {
      const here = peopleOf(role);
      const index = here.findIndex((user) => user.id === phone().user);
      if (here.length > 1) act.openPerson(role, here[(index + by + here.length) % here.length].id);
    },
  };
}

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

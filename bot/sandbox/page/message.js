// One message as a bubble with whatever hangs under it. Draws only; the phone listens.

import { h, icon } from "./dom.js";
import { safeHtml } from "./sanitize.js";
import { chat as words, kindNames } from "./words.js";

const WAVE = [5, 9, 14, 8, 17, 11, 6, 13, 19, 10, 7, 15, 12, 6, 16, 9, 5, 11, 8, 5];

const timeOfDay = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });

/** `view`: own, first and last of a run, latest keyboard, waiting taps ("row/column"), answered, sender, arriving. */
export function messageNode(message, view) {
  const markup = message.reply_markup?.inline_keyboard;
  const classes = ["message", view.own ? "own" : "other"];
  if (view.first) classes.push("first");
  if (view.last) classes.push("last");
  if (view.arriving) classes.push("arriving");
  if (message.sticker) classes.push("bare");
  if (markup?.length) classes.push("keyed");
  return h(
    "article",
    { class: classes.join(" "), tabindex: -1, data: { id: message.message_id, focus: `m${message.message_id}` } },
    h("div", { class: "row" }, bubble(message, view), menuButton(message)),
    markup?.length ? keyboard(message, markup, view) : null,
  );
}

export function serviceText(message) {
  const names = (users) => users.map((user) => user.first_name).join(", ");
  if (message.group_chat_created) return `${message.from.first_name} made the group`;
  if (message.new_chat_members) return `${names(message.new_chat_members)} joined`;
  if (message.left_chat_member) return `${message.left_chat_member.first_name} left`;
  if (message.new_chat_title) return `The group is now called ${message.new_chat_title}`;
  if (message.pinned_message) return "A message was pinned";
  return null;
}

/** A letter that is on its way, or that the sandbox refused. */
export function letterNode(letter) {
  const meta = h("span", { class: "meta" }, h("span", { class: "pending", role: "img", "aria-label": words.sending }, icon("clock")));
  const text = h("div", { class: "text" }, letter.label, letter.error ? null : meta);
  const trouble = letter.error && h(
    "div",
    { class: "not-sent", role: "alert" },
    h("p", {}, `${words.notSent} ${letter.error}`),
    h("button", { type: "button", data: { retry: letter.id } }, words.retry),
    h("button", { type: "button", data: { discard: letter.id } }, words.discard),
  );
  return h("article", { class: `message own first last ${letter.error ? "failed" : ""}` }, h("div", { class: "bubble" }, text), trouble);
}

function bubble(message, view) {
  const media = mediaOf(message);
  const words_ = message.html ? h("div", { class: "text" }, safeHtml(message.html), meta(message, view)) : null;
  return h(
    "div",
    { class: `bubble ${message.photo ? "with-photo" : ""}` },
    view.sender && view.first ? h("p", { class: `sender tone-text-${Math.abs(message.from.id) % 6}` }, view.sender) : null,
    forwarded(message),
    quoted(message),
    media,
    words_ ?? (media ? null : h("div", { class: "text odd" }, words.unsupported)),
    words_ ? null : meta(message, view),
  );
}

function meta(message, view) {
  const date = new Date(message.date * 1000);
  return h(
    "span",
    { class: "meta" },
    message.edit_date ? h("span", { class: "edited" }, words.edited) : null,
    h("time", { datetime: date.toISOString(), title: date.toLocaleString() }, timeOfDay.format(date)),
    view.own ? tick(view.answered) : null,
  );
}

function tick(answered) {
  return h(
    "span",
    { class: "tick", role: "img", "aria-label": answered ? words.answered : words.accepted, title: answered ? words.answered : words.accepted },
    icon(answered ? "checks" : "check"),
  );
}

function menuButton(message) {
  return h(
    "button",
    { type: "button", class: "message-menu", tabindex: -1, "aria-label": "Message menu", "aria-haspopup": "menu", data: { menu: message.message_id } },
    icon("dots"),
  );
}

function forwarded(message) {
  const origin = message.forward_origin;
  if (!origin) return null;
  const name = origin.sender_user_name ?? origin.sender_user?.first_name ?? origin.sender_chat?.title ?? origin.chat?.title ?? "";
  return h("p", { class: "forwarded" }, `${words.forwarded} `, h("b", {}, name));
}

function quoted(message) {
  const original = message.reply_to_message;
  if (!original) return null;
  return h("div", { class: "quoted" }, h("b", {}, original.from?.first_name ?? ""), h("span", {}, preview(original)));
}

/** A few words that stand for a message. */
export function preview(message) {
  const text = message.text ?? message.caption;
  if (text) return text.length > 90 ? `${text.slice(0, 90)} …` : text;
  return kindNames[Object.keys(kindNames).find((kind) => message[kind])] ?? "";
}

const drawings = {
  photo(message) {
    const size = message.photo.at(-1);
    const file = message.files?.at(-1);
    if (!file) return attachment("image", kindNames.photo, `${size.width} × ${size.height}`);
    const image = h("img", { src: sameOrigin(file.url), alt: message.caption ?? kindNames.photo, width: size.width, height: size.height, loading: "lazy" });
    return h("a", { class: "photo", href: sameOrigin(file.url), target: "_blank", rel: "noopener" }, image);
  },
  document(message) {
    const file = message.files?.at(0);
    const name = message.document.file_name ?? file?.name ?? kindNames.document;
    const detail = [readableSize(message.document.file_size ?? file?.size), extension(name)].filter(Boolean).join(" · ");
    return attachment("file", name, detail, file && sameOrigin(file.url));
  },
  sticker: (message) =>
    h("div", { class: "sticker", role: "img", title: message.sticker.emoji, "aria-label": `Sticker ${message.sticker.emoji ?? ""}` }, icon("smile")),
  voice: (message) =>
    h(
      "div",
      { class: "voice", role: "img", "aria-label": `Voice message, ${message.voice.duration} seconds` },
      h("span", { class: "round" }, icon("play")),
      h("span", { class: "wave" }, WAVE.map((height) => { const bar = h("i"); bar.style.height = `${height}px`; return bar; })),
      h("span", {}, minutes(message.voice.duration)),
    ),
  location: (message) =>
    attachment("pin", kindNames.location, `${message.location.latitude.toFixed(4)}, ${message.location.longitude.toFixed(4)}`),
  contact: (message) =>
    attachment("person", [message.contact.first_name, message.contact.last_name].filter(Boolean).join(" "), message.contact.phone_number),
  audio: (message) => attachment("play", message.audio.title ?? kindNames.audio, minutes(message.audio.duration)),
  video: (message) => attachment("play", kindNames.video, minutes(message.video.duration)),
};

function mediaOf(message) {
  const kind = Object.keys(drawings).find((name) => message[name]);
  return kind ? drawings[kind](message) : null;
}

function attachment(symbol, title, detail, href) {
  const inside = [
    h("span", { class: "round" }, icon(symbol)),
    h("span", { class: "about" }, h("b", {}, title), h("small", {}, detail)),
  ];
  if (!href) return h("div", { class: "attachment" }, inside);
  return h("a", { class: "attachment", href, download: title }, inside);
}

function keyboard(message, rows, view) {
  let number = 0;
  return h(
    "div",
    { class: "keyboard", role: "group", "aria-label": "Answers" },
    rows.map((buttons, row) =>
      h(
        "div",
        { class: "keys" },
        buttons.map((button, column) => {
          number += 1;
          return key(message, button, { row, column, number: view.latest && number <= 9 ? number : null, waiting: view.waiting.includes(`${row}/${column}`), reachable: view.latest });
        }),
      ),
    ),
  );
}

function key(message, button, { row, column, number, waiting, reachable }) {
  const useful = button.callback_data !== undefined || button.url || button.copy_text;
  return h(
    "button",
    {
      type: "button",
      class: `key ${waiting ? "waiting" : ""}`,
      tabindex: reachable ? 0 : -1,
      "aria-busy": waiting ? "true" : null,
      "aria-keyshortcuts": number,
      "aria-disabled": useful ? null : "true",
      title: useful ? null : words.cannotTap,
      data: { message: message.message_id, row, column, focus: `k${message.message_id}/${row}/${column}` },
    },
    h("span", { class: "label" }, button.text),
    number ? h("span", { class: "hint", "aria-hidden": "true" }, String(number)) : null,
    button.url ? icon("external") : button.copy_text ? icon("copy") : null,
  );
}

// The sandbox may have been opened under another name of this machine than the one it uses in links.
function sameOrigin(address) {
  const url = new URL(address, location.href);
  return url.pathname + url.search;
}

const minutes = (seconds) => `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
const extension = (name) => (name.includes(".") ? name.split(".").pop().toUpperCase() : "");

function readableSize(bytes) {
  if (bytes === undefined) return "";
  return bytes < 1024 ? `${bytes} B` : bytes < 1024 ** 2 ? `${Math.round(bytes / 1024)} KB` : `${(bytes / 1024 ** 2).toFixed(1)} MB`;
}

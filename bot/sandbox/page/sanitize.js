// The server's `html` of a message, read again through an allow-list: nothing else reaches the page.

const ALLOWED = new Set(["B", "I", "U", "S", "CODE", "PRE", "A", "BLOCKQUOTE", "SPAN", "BR"]);
const SAFE_LINK = /^(https?|tg|mailto|tel):/i;
const CLICKABLE = /(https?:\/\/[^\s<>"']*[^\s<>"'.,;:!?)\]])|((?<![\w/])\/[a-z]\w{0,31}\b(?!\/))/gi;

/** A fragment of harmless nodes; addresses and /commands in plain text become links, as in a messenger. */
export function safeHtml(html) {
  const source = new DOMParser().parseFromString(html, "text/html").body;
  const fragment = document.createDocumentFragment();
  copyChildren(source, fragment, true);
  return fragment;
}

function copyChildren(from, to, linkify) {
  for (const child of from.childNodes) {
    if (child.nodeType === Node.TEXT_NODE) to.append(...(linkify ? linked(child.data) : [child.data]));
    else if (child.nodeType === Node.ELEMENT_NODE) copyElement(child, to, linkify);
  }
}

function copyElement(element, to, linkify) {
  if (!ALLOWED.has(element.tagName)) {
    if (element.tagName !== "SCRIPT" && element.tagName !== "STYLE") copyChildren(element, to, linkify);
    return;
  }
  const copy = element.tagName === "A" ? link(element.getAttribute("href")) : document.createElement(element.tagName);
  if (element.tagName === "SPAN" && /\b(tg-)?spoiler\b/.test(element.className)) hide(copy);
  copyChildren(element, copy, linkify && !["A", "CODE", "PRE"].includes(element.tagName));
  to.append(copy);
}

function hide(span) {
  span.className = "spoiler";
  span.tabIndex = 0;
  span.setAttribute("role", "button");
  span.setAttribute("aria-label", "Hidden text, press to show");
}

function link(href) {
  if (!SAFE_LINK.test(href ?? "")) return document.createElement("span");
  const anchor = document.createElement("a");
  anchor.href = href;
  anchor.target = "_blank";
  anchor.rel = "noopener noreferrer";
  return anchor;
}

function linked(text) {
  const parts = [];
  let end = 0;
  for (const match of text.matchAll(CLICKABLE)) {
    parts.push(text.slice(end, match.index), match[1] ? labelled(link(match[1]), match[1]) : command(match[2]));
    end = match.index + match[0].length;
  }
  parts.push(text.slice(end));
  return parts.filter((part) => part !== "");
}

function labelled(anchor, text) {
  anchor.textContent = text;
  return anchor;
}

function command(text) {
  const anchor = document.createElement("a");
  anchor.href = "#";
  anchor.dataset.command = text;
  anchor.textContent = text;
  return anchor;
}

/** The payload of a link that opens this bot (`https://t.me/<bot>?start=…`), or null. */
export function startPayload(href, username) {
  if (!URL.canParse(href.trim())) return null;
  const url = new URL(href.trim());
  const web = /^(www\.)?(t|telegram)\.me$/.test(url.hostname) && /^https?:$/.test(url.protocol);
  const name = web ? url.pathname.slice(1) : url.protocol === "tg:" ? url.searchParams.get("domain") : null;
  return name?.toLowerCase() === username?.toLowerCase() ? url.searchParams.get("start") : null;
}

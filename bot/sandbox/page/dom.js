// Making and updating elements. All text goes in as text, never as markup.

const SVG = "http://www.w3.org/2000/svg";

/** An element. Props: `on` for listeners, `data` for data-*, `hidden`/`disabled`-like booleans, else attributes. */
export function h(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "on") for (const [event, listener] of Object.entries(value)) node.addEventListener(event, listener);
    else if (name === "data") Object.assign(node.dataset, value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `/page/icons.svg#${name}`);
  svg.append(use);
  return svg;
}

/**
 * Make `parent` hold exactly `items`, in order, touching only what changed.
 * An item is {key, build, on: what the node depends on}. Focus stays on the element with the same data-focus;
 * when that is gone it moves to the nearest [data-home], so that a keyboard user is never thrown out.
 */
export function reconcile(parent, items) {
  const focused = parent.contains(document.activeElement) ? document.activeElement : null;
  const wanted = focused?.dataset.focus;
  const old = new Map([...parent.children].map((node) => [node.dataset.key, node]));
  const nodes = items.map((item) => {
    const signature = JSON.stringify(item.on ?? null);
    const before = old.get(item.key);
    old.delete(item.key);
    if (before?.signature === signature) return before;
    const node = item.build(Boolean(before));
    node.dataset.key = item.key;
    node.signature = signature;
    before?.replaceWith(node);
    return node;
  });
  for (const node of old.values()) node.remove();
  nodes.forEach((node, index) => {
    if (parent.children[index] !== node) parent.insertBefore(node, parent.children[index] ?? null);
  });
  if (focused && !focused.isConnected) {
    const same = wanted && parent.querySelector(`[data-focus="${CSS.escape(wanted)}"]`);
    (same || parent.closest("[data-home]"))?.focus({ preventScroll: true });
  }
}

/** A single node in `parent`, rebuilt when `on` changes; none when `build` is null. */
export function only(parent, on, build) {
  parent.hidden = build === null;
  reconcile(parent, build === null ? [] : [{ key: "only", on, build }]);
}

/** Set an attribute or property only when it changed, so that assistive technology hears no echo. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export const initials = (name) =>
  name.replace(/^(dr|prof|mr|mrs|ms)\.?\s+/i, "").split(/\s+/).map((word) => [...word][0] ?? "").slice(0, 2).join("").toUpperCase();

export function avatar(user) {
  const name = fullName(user);
  return h("span", { class: `avatar tone-${Math.abs(user.id) % 6}`, "aria-hidden": "true" }, initials(name));
}

export const fullName = (user) => [user.first_name, user.last_name].filter(Boolean).join(" ");

// What every view needs: to make elements, to ask the platform, to say how long and when.
import { login, token } from "./login.js";
import { language } from "./words.js";

export const $ = (id) => document.getElementById(id);

/** Make an element. Children that are text become text: nothing is ever parsed as HTML. */
export function h(tag, attributes = {}, ...children) {
  const [name, ...classes] = tag.split(".");
  const element = document.createElement(name);
  if (classes.length) element.className = classes.join(" ");
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== null && value !== false) element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** Ask the admin API; a refusal is an Error with its words. */
export async function api(method, path, body) {
  const known = token();
  const headers = { "content-type": "application/json", ...(known && { authorization: `Bearer ${known}` }) };
  const sent = method === "GET" ? {} : { body: JSON.stringify(body ?? {}) };
  const answer = await fetch(`/_platform${path}`, { method, headers, ...sent });
  if (answer.status === 401) {
    if (known === token()) await login(); // else another question was answered meanwhile
    return api(method, path, body);
  }
  const content = await answer.json();
  if (!answer.ok) throw new Error(content.error.message);
  return content;
}

/** Replace what is in an element, unless it would look the same: focus and selection stay. */
export function fill(element, ...children) {
  const made = h("div", {}, ...children);
  if (made.innerHTML === element.innerHTML) return false;
  element.replaceChildren(...made.childNodes);
  return true;
}

/** Tell those who cannot see that something happened. */
export function say(text) {
  $("said").textContent = text;
}

export const when = (seconds) => new Date(seconds * 1000).toLocaleString(language(), { hour12: false });

export function took(seconds) {
  if (seconds === null) return "";
  if (seconds < 1) return `${(seconds * 1000).toFixed(seconds < 0.01 ? 1 : 0)}\u00a0ms`;
  return seconds < 100 ? `${seconds.toFixed(2)}\u00a0s` : `${(seconds / 60).toFixed(1)}\u00a0min`;
}

export function table(titles, rows) {
  const head = h("tr", {}, ...titles.map((title) => h("th", { scope: "col" }, title)));
  const body = rows.map((cells) => h("tr", {}, ...cells.map((cell) => h("td", {}, cell))));
  return h("div.list", {}, h("table", {}, h("thead", {}, head), h("tbody", {}, ...body)));
}

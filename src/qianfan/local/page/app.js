// The page as a whole: which view is shown, in which language and colours.
import * as calls from "./calls.js";
import * as chat from "./chat.js";
import * as clock from "./clock.js";
import * as account from "./console.js";
import { $ } from "./dom.js";
import * as faults from "./faults.js";
import { switchLanguage, t, translate } from "./words.js";

const VIEWS = {
  chat: chat.show, calls: calls.show, models: account.showModels, jobs: account.showJobs,
  services: account.showServices, faults: faults.show, clock: clock.show,
};
const LIVING = { jobs: account.showJobs, services: account.showServices, faults: faults.refresh }; // change by themselves
const THEMES = ["auto", "light", "dark"];

const current = () => (location.hash.slice(1) in VIEWS ? location.hash.slice(1) : "chat");

async function show() {
  for (const name of Object.keys(VIEWS)) $(`view-${name}`).hidden = name !== current();
  for (const link of document.querySelectorAll("nav a")) {
    if (link.hash === `#${current()}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  await VIEWS[current()]();
}

function dress() {
  const theme = localStorage.getItem("theme") ?? "auto";
  document.documentElement.dataset.theme = theme;
  $("theme").textContent = t(theme);
  $("theme").setAttribute("aria-label", `${t("themeSays")}: ${t(theme)}`);
  $("language").textContent = document.documentElement.lang === "en" ? "中文" : "English";
}

function write() {
  translate();
  dress();
}

$("theme").addEventListener("click", () => {
  const theme = document.documentElement.dataset.theme;
  localStorage.setItem("theme", THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length]);
  dress();
});
$("language").addEventListener("click", () => {
  switchLanguage();
  write();
  show();
});
window.addEventListener("hashchange", show);

write();
for (const view of [chat, calls, account, faults, clock]) view.start();
show();
clock.refresh();
setInterval(() => {
  if (document.hidden || $("login").open) return;
  clock.refresh().catch(() => {}); // `lost` tells it
  LIVING[current()]?.().catch(() => {});
}, 1000);

// The admin token, which a platform that lets other machines in asks of everybody: kept as long as the tab is open.
import { $ } from "./dom.js";
import { t } from "./words.js";

let asking = null; // one question for all who need the answer

export const token = () => sessionStorage.getItem("token");

/** Wait until the user has given a token; what it is for will tell whether it is right. */
export function login() {
  asking ??= new Promise((done) => {
    $("login-wrong").textContent = token() === null ? "" : t("tokenWrong");
    $("login-form").onsubmit = (event) => {
      event.preventDefault();
      sessionStorage.setItem("token", $("login-token").value.trim());
      $("login").close();
    };
    $("login").onclose = () => {
      asking = null;
      done();
    };
    $("login-token").value = "";
    $("login").showModal();
  });
  return asking;
}

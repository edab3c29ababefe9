import { t } from "../../i18n.js";
import { meetingCode } from "../../routes.js";
import { signIn } from "../../session.js";
import { LogIn, Video } from "../../vendor/icons.mjs";
import { html, nothing } from "../../vendor/lit.mjs";
import "../app-header.js";
import { DcElement } from "../element.js";
import { icon } from "../icon.js";
import { failure } from "../parts.js";

/** For who is not signed in: enter a meeting by its code, or sign in and go on to the address that was asked for. */
export class SignInPage extends DcElement {
  static properties = { busy: { state: true }, refused: { state: true }, codeRefused: { state: true } };

  constructor() {
    super();
    this.busy = false;
    this.refused = "";
    this.codeRefused = false;
  }

  render() {
    document.title = `${t("home.sign_in_title")} – ${t("common.product")}`;
    return html`
      <dc-app-header></dc-app-header>
      <main class="page welcome" id="content">
        <div class="welcome-head">
          <h1>${t("home.welcome")}</h1>
          <p>${t("home.welcome_text")}</p>
        </div>
        <div class="welcome-cards">${this.#codeCard()} ${this.#signInCard()}</div>
      </main>
    `;
  }

  #codeCard() {
    return html`
      <form class="card stack" @submit=${this.#enter} novalidate>
        <h2>${t("home.have_code")}</h2>
        <div class="field">
          <label for="code">${t("home.code")}</label>
          <input id="code" name="code" autocomplete="off" autocapitalize="none" spellcheck="false"
            aria-describedby="code-hint" aria-invalid=${this.codeRefused} />
          <p id="code-hint" class=${this.codeRefused ? "error" : "hint"}>
            ${t(this.codeRefused ? "home.code_invalid" : "home.code_hint")}
          </p>
        </div>
        <button class="button primary">${icon(Video)} ${t("home.join")}</button>
      </form>
    `;
  }

  #signInCard() {
    return html`
      <form class="card stack" @submit=${this.#signIn}>
        <h2>${t("home.sign_in_title")}</h2>
        ${this.refused ? failure(this.refused) : nothing}
        <div class="field">
          <label for="username">${t("home.username")}</label>
          <input id="username" name="username" autocomplete="username" autocapitalize="none" spellcheck="false" required />
        </div>
        <div class="field">
          <label for="password">${t("home.password")}</label>
          <input id="password" name="password" type="password" autocomplete="current-password" required />
        </div>
        <button class="button" ?disabled=${this.busy}>${icon(LogIn)} ${t("common.sign_in")}</button>
      </form>
    `;
  }

  /** @param {SubmitEvent} event */
  #enter(event) {
    event.preventDefault();
    const code = meetingCode(value(event, "code"));
    this.codeRefused = code === null;
    if (code) return location.assign(`/m/${code}`);
    /** @type {HTMLElement | null} */
    const field = this.querySelector("#code");
    field?.focus();
  }

  /** @param {SubmitEvent} event */
  async #signIn(event) {
    event.preventDefault();
    this.busy = true;
    this.refused = "";
    try {
      await signIn(value(event, "username"), value(event, "password"));
      location.reload();
    } catch (error) {
      this.refused = /** @type {Error} */ (error).message;
      this.busy = false;
    }
  }
}

/**
 * @param {SubmitEvent} event
 * @param {string} name
 */
function value(event, name) {
  return String(new FormData(/** @type {HTMLFormElement} */ (event.currentTarget)).get(name) ?? "");
}

customElements.define("dc-sign-in-page", SignInPage);

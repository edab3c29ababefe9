import { post } from "../../api.js";
import { t } from "../../i18n.js";
import { Check } from "../../vendor/icons.mjs";
import { html, nothing } from "../../vendor/lit.mjs";
import "../app-header.js";
import { DcElement } from "../element.js";
import { icon } from "../icon.js";
import { failure } from "../parts.js";

/** First start: the administrator chooses a password. The one-time token is in the fragment, which no server logs. */
export class SetupPage extends DcElement {
  static properties = { busy: { state: true }, refused: { state: true }, differ: { state: true } };

  constructor() {
    super();
    this.busy = false;
    this.refused = "";
    this.differ = false;
    this.token = new URLSearchParams(location.hash.slice(1)).get("t");
  }

  render() {
    document.title = `${t("home.setup_title")} – ${t("common.product")}`;
    return html`
      <dc-app-header></dc-app-header>
      <main class="page narrow" id="content">
        <h1>${t("home.setup_title")}</h1>
        ${this.token ? this.#form() : failure(t("home.setup_no_token"))}
      </main>
    `;
  }

  #form() {
    return html`
      <form class="card stack" @submit=${this.#submit}>
        <p>${t("home.setup_text")}</p>
        ${this.refused ? failure(this.refused) : nothing}
        <input hidden name="username" autocomplete="username" value="admin" />
        <div class="field">
          <label for="password">${t("home.password_new")}</label>
          <input id="password" name="password" type="password" autocomplete="new-password" required
            aria-describedby="password-hint" />
          <p id="password-hint" class="hint">${t("home.password_hint")}</p>
        </div>
        <div class="field">
          <label for="again">${t("home.password_again")}</label>
          <input id="again" name="again" type="password" autocomplete="new-password" required
            aria-describedby="again-error" aria-invalid=${this.differ} />
          <p id="again-error" class="error" role="alert">${this.differ ? t("home.passwords_differ") : nothing}</p>
        </div>
        <button class="button primary" ?disabled=${this.busy}>${icon(Check)} ${t("home.setup_submit")}</button>
      </form>
    `;
  }

  /** @param {SubmitEvent} event */
  async #submit(event) {
    event.preventDefault();
    const form = new FormData(/** @type {HTMLFormElement} */ (event.currentTarget));
    this.refused = "";
    this.differ = form.get("password") !== form.get("again");
    if (!this.differ) await this.#setPassword(String(form.get("password")));
  }

  /** @param {string} password */
  async #setPassword(password) {
    this.busy = true;
    try {
      await post("/api/v1/setup", { token: this.token, password });
      location.replace("/");
    } catch (error) {
      this.refused = /** @type {Error} */ (error).message;
      this.busy = false;
    }
  }
}

customElements.define("dc-setup-page", SetupPage);

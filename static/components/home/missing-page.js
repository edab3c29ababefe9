import { t } from "../../i18n.js";
import { html } from "../../vendor/lit.mjs";
import "../app-header.js";
import { DcElement } from "../element.js";

/** An address that leads nowhere. */
export class MissingPage extends DcElement {
  render() {
    document.title = `${t("common.missing_title")} – ${t("common.product")}`;
    return html`
      <dc-app-header></dc-app-header>
      <main class="page narrow" id="content">
        <h1>${t("common.missing_title")}</h1>
        <p>${t("common.missing_text")}</p>
        <p><a class="button primary" href="/">${t("common.to_home")}</a></p>
      </main>
    `;
  }
}

customElements.define("dc-missing-page", MissingPage);

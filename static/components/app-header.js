import { LANGUAGES, language, setLanguage, t } from "../i18n.js";
import { signOut, user } from "../session.js";
import { setTheme, theme } from "../theme.js";
import { Film, LogOut, Moon, Sun, User, Video } from "../vendor/icons.mjs";
import { html, nothing } from "../vendor/lit.mjs";
import { DcElement } from "./element.js";
import { icon } from "./icon.js";

const SECTIONS = [
  { page: "home", href: "/", label: "common.nav_meetings", symbol: Video },
  { page: "archive", href: "/archive", label: "common.nav_archive", symbol: Film },
];

/** The bar over every page: where one is, the language, light or dark, the account. `page` marks the section. */
export class AppHeader extends DcElement {
  static properties = { page: {} };

  constructor() {
    super();
    this.page = "";
  }

  render() {
    return html`
      <header class="app-header">
        <a class="button skip" href="#content" @click=${toContent}>${t("common.skip")}</a>
        <a class="brand" href="/">
          <img src="/static/mark.svg" alt="" width="34" height="34" /><span>${t("common.product")}</span>
        </a>
        ${user() ? this.#sections() : nothing}
        <div class="app-header-tools">${this.#languageSwitch()} ${this.#themeSwitch()} ${this.#account()}</div>
      </header>
    `;
  }

  #sections() {
    return html`
      <nav aria-label=${t("common.main_menu")}>
        ${SECTIONS.map(
          ({ page, href, label, symbol }) => html`
            <a href=${href} aria-current=${page === this.page ? "page" : nothing}>
              ${icon(symbol)}<span>${t(label)}</span>
            </a>
          `,
        )}
      </nav>
    `;
  }

  #languageSwitch() {
    return html`
      <div class="segments" role="group" aria-label=${t("common.language")}>
        ${LANGUAGES.map(
          (lang) => html`
            <button type="button" lang=${lang} aria-pressed=${lang === language()}
              aria-label=${lang === "vi" ? "Tiếng Việt" : "English"} @click=${() => setLanguage(lang)}>
              ${lang.toUpperCase()}
            </button>
          `,
        )}
      </div>
    `;
  }

  #themeSwitch() {
    const dark = theme() === "dark";
    const label = t(dark ? "common.theme_light" : "common.theme_dark");
    return html`
      <button type="button" class="icon-button quiet" title=${label} aria-label=${label} @click=${this.#turnTheme}>
        ${icon(dark ? Sun : Moon)}
      </button>
    `;
  }

  #turnTheme() {
    setTheme(theme() === "dark" ? "light" : "dark");
    this.requestUpdate();
  }

  #account() {
    const who = user();
    if (!who) return nothing;
    const label = t("common.sign_out");
    return html`
      <span class="who">${icon(User)}<span>${who.name || who.username}</span></span>
      <button type="button" class="button quiet sign-out" aria-label=${label} @click=${signOut}>
        ${icon(LogOut)}<span>${label}</span>
      </button>
    `;
  }
}

/** The address stays as it is: what follows its # may be a token. @param {Event} event */
function toContent(event) {
  event.preventDefault();
  const content = document.getElementById("content");
  content?.setAttribute("tabindex", "-1");
  content?.focus();
}

customElements.define("dc-app-header", AppHeader);

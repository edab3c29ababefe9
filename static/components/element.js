import { languageChanges } from "../i18n.js";
import { LitElement } from "../vendor/lit.mjs";

/**
 * What all our elements share: light DOM, so that the common sheets apply; drawn anew when the language changes;
 * one AbortSignal, `this.connection`, that ends the listeners and requests of the element when it leaves the page.
 */
export class DcElement extends LitElement {
  #controller = new AbortController();

  createRenderRoot() {
    return this;
  }

  /** @returns {AbortSignal} aborted when the element leaves the document. */
  get connection() {
    return this.#controller.signal;
  }

  connectedCallback() {
    this.#controller = new AbortController();
    languageChanges.addEventListener("change", () => this.requestUpdate(), { signal: this.connection });
    super.connectedCallback();
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    this.#controller.abort();
  }
}

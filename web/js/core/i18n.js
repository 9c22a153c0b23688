/**
 * The language of the page. English texts are the keys, so that an untranslated one is still readable, and English
 * needs no catalog. The others lie in `locales/<language>.json`: text to text, and for texts with a number text to one
 * form per plural category (CLDR). A test holds catalogs and code together.
 */

/** What there are catalogs for, by BCP 47 tag, in their own words. @type {Readonly<Record<string, string>>} */
export const LANGUAGES = Object.freeze({ en: 'English', de: 'Deutsch', es: 'Español', fr: 'Français', ja: '日本語', zh: '简体中文' });

/** @typedef {Record<string, string | Record<string, string>>} Catalog */

/** @type {Catalog} */
let catalog = {};
let plurals = new Intl.PluralRules('en');

/**
 * @param {readonly string[]} wanted BCP 47 tags, best first
 * @returns {string} one of LANGUAGES
 */
export function chooseLanguage(wanted) {
  for (const tag of wanted) {
    // Traditional Chinese is another script.
    if (/^zh-(Hant|TW|HK|MO)\b/i.test(tag)) continue;
    const language = tag.split('-')[0].toLowerCase();
    if (language in LANGUAGES) return language;
  }
  return 'en';
}

/**
 * @param {string} language
 * @param {Catalog} texts
 */
export function useCatalog(language, texts) {
  catalog = texts;
  plurals = new Intl.PluralRules(language);
}

/**
 * Marks a text that is looked up later.
 * @param {string} text
 */
export const msg = (text) => text;

/**
 * @param {string} text English, with `{name}` for what is put in
 * @param {Record<string, string | number>} [values]
 * @returns {string}
 */
export function t(text, values) {
  const found = catalog[text];
  return fill(typeof found === 'string' ? found : text, values);
}

/**
 * @param {number} count put in for `{n}`
 * @param {string} one English, for one
 * @param {string} other English, for all other numbers
 * @returns {string}
 */
export function plural(count, one, other) {
  const found = catalog[other];
  const forms = typeof found === 'object' ? found : { one, other };
  return fill(forms[plurals.select(count)] ?? forms.other, { n: count });
}

/**
 * @param {string} text
 * @param {Record<string, string | number>} [values]
 */
function fill(text, values) {
  return values ? text.replace(/\{(\w+)\}/g, (whole, name) => String(values[name] ?? whole)) : text;
}

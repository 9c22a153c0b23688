import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { afterEach, describe, it } from 'node:test';
import { LANGUAGES, chooseLanguage, plural, t, useCatalog } from '../js/core/i18n.js';
import { modules } from './helpers.js';

const STRING = String.raw`'((?:[^'\\]|\\.)*)'`;
const unescape = (text) => text.replace(/\\(.)/g, '$1');

/** Every text in the code: `t('…')`, `msg('…')` and `plural(n, 'one', 'other')`. */
function texts() {
  const plain = new Set();
  const counted = new Set();
  for (const [, source] of modules()) {
    for (const [, text] of source.matchAll(new RegExp(String.raw`\b(?:t|msg)\(\s*${STRING}`, 'g'))) plain.add(unescape(text));
    for (const [, , other] of source.matchAll(new RegExp(String.raw`\bplural\([^']*${STRING},\s*${STRING}`, 'g'))) counted.add(unescape(other));
    // In conditionals inside: t(on ? 'a' : 'b') would be missed.
    assert.doesNotMatch(source, /\b(?:t|msg)\(\s*[^')]*\?\s*'/);
  }
  return { plain, counted };
}

const names = (text) => [...text.matchAll(/\{\w+\}/g)].map(String).sort();
const catalogs = readdirSync(new URL('../locales/', import.meta.url)).map((file) => [
  file.replace('.json', ''),
  JSON.parse(readFileSync(new URL(`../locales/${file}`, import.meta.url), 'utf8')),
]);

describe('languages', () => {
  afterEach(() => useCatalog('en', {}));

  it('has a catalog for each language but English', () => {
    const known = Object.keys(LANGUAGES).filter((language) => language !== 'en');
    assert.ok(known.length >= 5);
    assert.deepEqual(catalogs.map(([language]) => language).sort(), known.sort());
  });

  for (const [language, catalog] of catalogs) {
    it(`has every text, and no other, in ${language}`, () => {
      const { plain, counted } = texts();
      assert.ok(plain.size > 80);
      const all = [...plain, ...counted];
      assert.deepEqual(all.filter((text) => !(text in catalog)), [], 'missing');
      assert.deepEqual(Object.keys(catalog).filter((text) => !all.includes(text)), [], 'unused');
      const categories = new Intl.PluralRules(language).resolvedOptions().pluralCategories;
      for (const [text, translated] of Object.entries(catalog)) {
        const forms = typeof translated === 'string' ? [translated] : Object.values(translated);
        assert.equal(typeof translated === 'object', counted.has(text), text);
        if (typeof translated === 'object') assert.deepEqual(Object.keys(translated).sort(), [...categories].sort(), text);
        for (const form of forms) {
          assert.ok(form.trim(), text);
          if (typeof translated === 'string') assert.deepEqual(names(form), names(text), text);
        }
      }
    });
  }

  it('chooses the first language that there is', () => {
    assert.equal(chooseLanguage(['pt-BR', 'de-AT', 'en']), 'de');
    assert.equal(chooseLanguage(['zh-TW', 'zh-Hans-CN']), 'zh');
    assert.equal(chooseLanguage(['zh-Hant', 'xx']), 'en');
    assert.equal(chooseLanguage([]), 'en');
  });

  it('puts values in, and falls back to English', () => {
    useCatalog('de', { 'Next try in {seconds} s': 'In {seconds} s', '{n} others are here.': { one: 'Eins', other: '{n} andere' } });
    assert.equal(t('Next try in {seconds} s', { seconds: 3 }), 'In 3 s');
    assert.equal(t('Unknown {x}', { x: '{y}' }), 'Unknown {y}');
    assert.equal(plural(1, 'One', '{n} others are here.'), 'Eins');
    assert.equal(plural(4, 'One', '{n} others are here.'), '4 andere');
    useCatalog('en', {});
    assert.equal(plural(1, 'One', '{n} others are here.'), 'One');
  });
});

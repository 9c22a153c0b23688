import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { modules } from './helpers.js';

const root = new URL('../', import.meta.url);
const page = readFileSync(new URL('index.html', root), 'utf8');

describe('index.html', () => {
  it('has the script for what does not come before all that may not come', () => {
    assert.match(page.split('<link')[0], /<script src="js\/boot.js" [^>]*><\/script>/);
    // It is put between two tags.
    assert.doesNotMatch(readFileSync(new URL('js/boot.js', root), 'utf8'), /<\/script|<!--/);
  });

  it('has nothing that a strict policy forbids', () => {
    assert.doesNotMatch(page, /<script(?![^>]*\bsrc=)|<style|\bstyle=|\son\w+=|javascript:/);
    for (const [path, source] of modules()) assert.doesNotMatch(source, /\beval\(|new Function\(|innerHTML|setAttribute\('style'/, path);
  });

  it('names files that are there, relative to itself', () => {
    for (const [, path] of page.matchAll(/(?:href|src)="([^"]+)"/g)) {
      if (path === 'manifest.webmanifest') continue; // made by the server
      assert.ok(!path.startsWith('/') && existsSync(new URL(path, root)), path);
    }
  });
});

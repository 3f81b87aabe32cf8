/** The patterns of texts for people. */
import { Type } from 'typebox';
import { Compile } from 'typebox/schema';
import { expect, test } from 'vitest';
import { invisible, keyText, printable, printableText, visible, visibleText } from './schemas.ts';

const only = (pattern: string) => new RegExp(`^${pattern}$`, 'u');

test('a printable character is either visible or not, and no control character or lone surrogate is printable', () => {
  const [isPrintable, isVisible, isInvisible] = [printable, visible, invisible].map(only) as [RegExp, RegExp, RegExp];
  // One comparison at the end: a million of them take twenty seconds.
  const faults: unknown[] = [];
  for (let code = 0; code <= 0x10ffff; code += 1) {
    const character = String.fromCodePoint(code);
    const classes = [isPrintable, isVisible, isInvisible].map((one) => one.test(character));
    const expected = /^[^\p{Cc}\p{Cs}]$/u.test(character);
    const isHidden = classes[2] === true;
    const isSpace = /^\s$/u.test(character) && expected;
    if (`${classes}` !== `${[expected, expected && !isHidden, expected && isHidden]}` || (isSpace && !isHidden)) {
      faults.push([code, ...classes]);
    }
  }
  expect(faults).toEqual([]);
});

test.each([
  [printableText(10), ['', ' ', 'é 🕷', '\u200b'], ['a\nb', '\0', '\ud800', '\x7f', '\x85']],
  [visibleText(10), ['a', ' a ', '🕷', '\u200ba'], ['', ' ', '\u3000\u200b', 'a\n', '\ud800', '\u2028']],
  [keyText(10), ['a', '...', '.a', '..a', 'a.', '-'], ['', '.', '..', 'a/b', ' ', 'a\n']],
])('%# accepts and refuses', (schema, accepted, refused) => {
  const validator = Compile(Type.Object({ text: schema }));
  const isValid = (text: string) => validator.Check({ text });
  expect([accepted.filter((text) => !isValid(text)), refused.filter(isValid)]).toEqual([[], []]);
});

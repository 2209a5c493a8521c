/** Foreign text inside of other languages. */

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** For text and for quoted attributes, of HTML and of XML. */
export function escapeMarkup(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? character);
}

/** Without what XML 1.0 has no way to say: control characters, halves of surrogate pairs, U+FFFE and U+FFFF. */
export function escapeXml(text: string): string {
  return escapeMarkup(
    // eslint-disable-next-line no-control-regex
    text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\ufffe\uffff]|\p{Surrogate}/gu, '\ufffd'),
  );
}

/** JSON that may stand in a script element: nothing in it ends the element, begins a comment or a line. */
export function jsonForScript(value: unknown): string {
  return JSON.stringify(value).replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/**
 * For a cell of a Markdown table or a paragraph: none of it is markup, a mention, a reference to an issue, or a break. GitHub
 * looks for mentions and references in the text that is left when entities are read: only a zero-width space stops it.
 */
export function escapeMarkdown(text: string): string {
  return text
    .replace(/\s+/g, ' ')
    .replace(/[\\`*_{}[\]<>|~!#@&$]|:(?=\/\/|\w+:)/g, (character) => {
      const apart = character === '@' || character === '#' ? '&#8203;' : '';
      return `&#${character.charCodeAt(0)};${apart}`;
    })
    .replace(/(^|\s)([-+=])(?=\s|-|$)/g, (_, before: string, sign: string) => `${before}&#${sign.charCodeAt(0)};`)
    .replace(/www\./gi, (found) => `${found.slice(0, 3)}&#46;`)
    .replace(/\bGH-(?=\d)/gi, (found) => `${found.slice(0, 2)}&#8203;-`);
}

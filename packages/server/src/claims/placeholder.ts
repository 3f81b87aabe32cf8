/** Finds what stands in an example for a name that somebody must fill in, so that no rule trusts whoever takes that name. */

const words =
  'org(anization|anisation)?|repo(sitory)?|owner|user(name)?|namespace|(service[-_ ]?)?account|project|group|team|tenant|' +
  'cluster|domain|branch|environment|workflow|app(lication)?|client|company|issuer|audience|host(name)?';

/** `your-organization`, `YOUR_ORG_ID`, `<owner>`, `{owner}`, `${OWNER}`, `[owner]`. */
const placeholder = new RegExp(
  `^(your[-_ ](${words})([-_ ]?(id|name|here))?|<.*>|\\$?\\{.*\\}|\\[.*\\]|\\$[A-Z_]+|replace[-_ ]?me|change[-_ ]?me)$`,
  'i',
);

/** Returns the first part of `text`, between `:` `/` `.` and `@`, that is a placeholder, or undefined. */
export function findPlaceholder(text: string): string | undefined {
  return text.split(/[:/.@]/).find((part) => placeholder.test(part));
}

/**
 * Runs in the browser, on the page of the API documentation, and says what things are to those who do not see them: Swagger UI names neither
 * what is above its operations nor its list of servers, and its headings skip a level. WCAG 2.2 §1.3.1, §4.1.2.
 */

let isDue = false;

/** Once for all that changes before the page is drawn again. */
const names = new MutationObserver(() => {
  if (!isDue) {
    isDue = true;
    requestAnimationFrame(addNames);
  }
});
names.observe(document.getElementById('swagger-ui'), { childList: true, subtree: true });
addNames();

function addNames() {
  isDue = false;
  for (const [selector, name] of [
    ['.information-container', 'About this API'],
    ['.schemes-server-container', 'Server'],
  ]) {
    const part = document.querySelector(selector);
    part?.setAttribute('role', 'region');
    part?.setAttribute('aria-label', name);
  }
  document.getElementById('servers')?.setAttribute('aria-label', 'Server');
  for (const [selector, level] of [
    ['.info .title', '1'],
    ['.opblock-tag', '2'],
    ['.opblock h4', '3'],
    ['.opblock h5', '4'],
  ]) {
    for (const heading of document.querySelectorAll(`${selector}:not([aria-level])`)) {
      heading.setAttribute('aria-level', level);
      heading.setAttribute('role', 'heading');
    }
  }
}

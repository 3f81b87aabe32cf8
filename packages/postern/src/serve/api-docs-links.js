/**
 * Runs in the browser, on the page of the API documentation, and opens what the fragment of the URL names:
 * `#operations-tag-<tag>` a section, `#operations-<tag>-<operation id>` an operation. The page scrolls there, also if
 * the fragment changes later.
 */

const observer = new MutationObserver(openTarget);

window.addEventListener('hashchange', follow);
follow();

/** Waits for the target: the description is fetched after the page has loaded, and a closed section is empty. */
function follow() {
  observer.disconnect();
  if (location.hash.startsWith('#operations-')) {
    observer.observe(document.getElementById('swagger-ui'), { childList: true, subtree: true });
    openTarget();
  }
}

function openTarget() {
  const id = location.hash.slice(1);
  const sections = [...document.querySelectorAll('.opblock-tag')];
  const section = sections.find(({ id: own, dataset }) => own === id || id.startsWith(`operations-${dataset.tag}-`));
  expand(section?.querySelector('.expand-operation'));
  const target = document.getElementById(id);
  if (target !== null) {
    observer.disconnect();
    expand(target.querySelector('.opblock-control-arrow'));
    requestAnimationFrame(() => target.scrollIntoView());
  }
}

function expand(button) {
  if (button?.getAttribute('aria-expanded') === 'false') {
    button.click();
  }
}

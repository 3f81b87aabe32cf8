/**
 * Runs in the browser, on the page of the API documentation, and makes its addresses land: `#operations-tag-<tag>`
 * unfolds a section, `#operations-<tag>-<operation id>` an operation of it, and the page scrolls there. Also when the
 * page is open already.
 */

const arrival = new MutationObserver(land);

window.addEventListener('hashchange', follow);
follow();

/** The description is fetched after the page has loaded, and a folded section is empty: what is named may yet come. */
function follow() {
  arrival.disconnect();
  if (location.hash.startsWith('#operations-')) {
    arrival.observe(document.getElementById('swagger-ui'), { childList: true, subtree: true });
    land();
  }
}

function land() {
  const id = location.hash.slice(1);
  const sections = [...document.querySelectorAll('.opblock-tag')];
  const section = sections.find(({ id: own, dataset }) => own === id || id.startsWith(`operations-${dataset.tag}-`));
  unfold(section?.querySelector('.expand-operation'));
  const target = document.getElementById(id);
  if (target !== null) {
    arrival.disconnect();
    unfold(target.querySelector('.opblock-control-arrow'));
    requestAnimationFrame(() => target.scrollIntoView());
  }
}

function unfold(button) {
  if (button?.getAttribute('aria-expanded') === 'false') {
    button.click();
  }
}

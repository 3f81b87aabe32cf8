/** How the console is built: static files with relative addresses, which `postern serve` puts at /console. */
import { defineConfig } from 'vite';

export default defineConfig({
  root: import.meta.dirname,
  // Relative, so that only the <base> of the page says where the files are.
  base: './',
  build: {
    // Beside the command, also when it is installed from npm.
    outDir: '../postern/console',
    emptyOutDir: true,
    // The licenses of the libraries must be distributed with them.
    license: { fileName: 'licenses.md' },
    // The polyfill is for browsers that are too old for the console.
    modulePreload: { polyfill: false },
    // A picture inside the style sheet would need `data:` in the content security policy.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 1_000,
    // "use client" in libraries is for servers that render.
    rolldownOptions: { checks: { moduleLevelDirective: false } },
  },
});

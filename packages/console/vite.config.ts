/** How the console is built: static files with relative addresses, which `postern serve` puts at /console. */
import { defineConfig } from 'vite';

export default defineConfig({
  root: import.meta.dirname,
  // Relative, so that the page's <base> alone says where it stands.
  base: './',
  build: {
    // Where the command has them beside it, also when it is installed from npm.
    outDir: '../postern/console',
    emptyOutDir: true,
    // The licences of the libraries ask to be handed on with them.
    license: { fileName: 'licenses.md' },
    // The polyfill is a script of its own making, for browsers that are older than what the console needs.
    modulePreload: { polyfill: false },
    // A picture inside the style sheet would need `data:` in the content security policy.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 1_000,
    // "use client" in libraries is for servers that render.
    rolldownOptions: { checks: { moduleLevelDirective: false } },
  },
});

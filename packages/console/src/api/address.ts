/** The addresses of the console and its server. They come from the <base> of the page, so that a proxy may put both below a path. */

/** The path of the console without a slash at the end: `/console`. */
export const consolePath = new URL(document.baseURI).pathname.replace(/\/$/, '');

/** The server's own root, with a slash at the end. */
export const serverRoot = new URL('..', document.baseURI).href;

/** The path of the page of a client, within the console. */
export const clientPath = (clientId: string): string => `/clients/${encodeURIComponent(clientId)}`;

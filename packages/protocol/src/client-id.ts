/** Which texts can be the id of a client. RFC 6749 §2.2 leaves that to the server. */

/**
 * Ids that Postern generates, those that an administrator chooses, and that of root: characters that need no encoding (RFC 3986
 * §2.3), and those of ids that are addresses of some kind on other servers.
 */
export const clientIdPattern = /^[A-Za-z0-9._~:@/-]{1,128}$/;

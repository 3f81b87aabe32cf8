/** Which texts can be the id of a client. RFC 6749 §2.2 leaves that to the server; these characters need no encoding (RFC 3986 §2.3). */

/** Ids that Postern generates, those that an administrator chooses, and that of root. */
export const clientIdPattern = /^[A-Za-z0-9._~-]{1,128}$/;

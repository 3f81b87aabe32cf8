/** Days without a token after which a scope counts as unused, and before which a client is too young to say. */
export const unusedDays = 90;

export function isBundleCurrent(): boolean;

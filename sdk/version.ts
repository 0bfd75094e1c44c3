/** Muster's version, as far sides see it in the user agent. A test keeps it equal to package.json. */
export const MUSTER_VERSION = '0.1.0';

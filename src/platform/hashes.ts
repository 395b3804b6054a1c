/** Hashes of streams for browsers, whose own crypto wants all bytes at once. It is loaded where something is downloaded. */
export { sha1 } from '@noble/hashes/legacy.js'
export { sha256 } from '@noble/hashes/sha2.js'

/** hearth-mqtt/client/scram in a browser: apart from the client, because few need it, and browsers' own hashes come by
 *  promises only. */
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import type { ClientAuthentication } from "../src/auth/authentication-method.js";
import { type ScramClientKeys, ScramSha256Client } from "../src/auth/scram-client.js";
import type { Platform } from "../src/platform.js";

const crypto = {
	sha256: (data: Uint8Array) => sha256(data),
	hmacSha256: (key: Uint8Array, data: Uint8Array) => hmac(sha256, key, data),
};

/** @returns what proves a password without sending it, for the option `authentication`. RFC 7677 */
export function scramSha256(userName: string, secret: string | ScramClientKeys) {
	return (platform: Platform): ClientAuthentication => new ScramSha256Client({ ...platform, crypto }, userName, secret);
}

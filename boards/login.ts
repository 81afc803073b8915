/** Who may come in on a device, as the build's options say: `user=NAME secret=PASSWORD`, or `anonymous=1`. */
import type { AccessRules } from "../src/broker/access.js";
import { Cause } from "../src/errors.js";
import type { Text } from "../src/platform.js";

export interface LoginOptions {
	user: string | undefined;
	secret: string | undefined;
	/** whoever reaches the device may come in */
	anonymous: boolean;
}

/** @returns rules that let in one user, or anybody; without either, nobody */
export function loginRules(text: Text, options: LoginOptions): AccessRules {
	const { user, secret, anonymous } = options;
	const expected = secret === undefined ? undefined : new Uint8Array(text.size(secret));
	if (secret !== undefined) text.encode(secret, expected!, 0);
	return {
		authenticate(client, password) {
			if (client.userName === undefined) return anonymous ? Cause.None : Cause.NotAuthorized;
			const good = client.userName === user && same(expected, password);
			return good ? Cause.None : Cause.BadUserNameOrPassword;
		},
	};
}

/** Takes the same time wherever they differ. */
function same(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
	if (a === undefined || b === undefined || a.length !== b.length) return false;
	let difference = 0;
	for (let i = 0; i < a.length; i++) difference |= a[i]! ^ b[i]!;
	return difference === 0;
}

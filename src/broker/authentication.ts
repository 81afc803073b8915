/** What a connection keeps of its client's authentication: see handle-auth.ts and login.ts. */
import {
	type AuthenticationExchange,
	type AuthenticationMethod,
	METHOD_NAME_MAX,
} from "../auth/authentication-method.js";
import { HearthError } from "../errors.js";
import type { Text } from "../platform.js";

/** What is known of a client that chose a method: it needs it again when it authenticates again. */
export class Authentication {
	/** who the client is, or says that it is as long as its CONNECT waits */
	userName: string | undefined = undefined;
	/** what is going on */
	exchange: Exchange | undefined = undefined;

	/** @param method undefined: user name and password are judged by the rules (login.ts) */
	constructor(readonly method: AuthenticationMethod | undefined) {}
}

/** What a CONNECT waits for, or a live connection authenticates again by. */
export class Exchange {
	/** the CONNECT: first block (0: none), bytes */
	connectFirst = 0;
	connectBytes = 0;
	/** what came behind it and is not looked at yet */
	heldFirst = 0;
	heldBytes = 0;
	/** with a method: it has to be over then; else: the login is not judged before that, 0: no matter. ms on the
	 *  platform's clock */
	until = 0;
	/** the method has said "later" */
	pending = false;

	/** what takes the client's data; undefined: user name and password are judged by the rules */
	steps: AuthenticationExchange | undefined = undefined;
}

const RESPONSE_INFORMATION_MAX = 64;

/** They go into CONNACK, which has its place in the broker's memory. */
export function checkTexts(text: Text, responseInformation: string, methods: readonly AuthenticationMethod[]): void {
	if (text.size(responseInformation) > RESPONSE_INFORMATION_MAX)
		throw new HearthError("HEARTH_ERR_OPTION", `responseInformation: give at most ${RESPONSE_INFORMATION_MAX} bytes`);
	for (let i = 0; i < methods.length; i++)
		if (text.size(methods[i]!.name) > METHOD_NAME_MAX)
			throw new HearthError("HEARTH_ERR_OPTION", `authentication: ${methods[i]!.name}: give a shorter name`);
}

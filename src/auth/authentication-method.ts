/** What a method of Enhanced Authentication has to do, on the server's side and on the client's. Spec: 5.0, 4.12 */
import type { Cause } from "../errors.js";

/** What came of a client's data. "continue": it gets data and is to answer; "success": it has proved who it is;
 *  "failure": it has not; "later": that is not known yet, and will be told by the `Told` that `begin` was given. */
export type Step = "continue" | "success" | "failure" | "later";

/** Tells what came of data that "later" was said of; once each time. Not within `take`. */
export type Told = (step: Exclude<Step, "later">) => void;

/** A method, such as SCRAM-SHA-256 (scram.ts); an application may bring others. */
export interface AuthenticationMethod {
	/** as the property Authentication Method says it, at most 64 bytes */
	readonly name: string;
	/** how long an exchange may take; absent: as long as CONNECT, `limits.connectTimeoutMs` */
	readonly timeoutMs?: number;
	/** A client begins to prove who it is: at CONNECT, or again on a live connection.
	 *  @param clientId "": the client has none of its own @param userName CONNECT's; undefined: none
	 *  @param address where the client is, for what is shown and logged
	 *  @param told see Step
	 *  @returns what takes the client's Authentication Data from now on */
	begin(clientId: string, userName: string | undefined, address: string, told: Told): AuthenticationExchange;
}

/** One client's proof, one step after the other. An exception in it refuses the client. */
export interface AuthenticationExchange {
	/** Takes Authentication Data at bytes[start..end), which are used up on return; start === end: none came. */
	take(bytes: Uint8Array, start: number, end: number): Step;
	/** Authentication Data for the client after "continue" and "success", at most 256 bytes; undefined: none */
	readonly data: Uint8Array | undefined;
	/** who it is, after "success" */
	readonly userName: string;
	/** why, after "failure"; absent: Cause.AuthenticationFailed */
	readonly cause?: Cause;
	/** The exchange is over, whatever came of it; what was begun by "later" is of no use any more. */
	end?(): void;
}

/** Most bytes of a method's name, and of the data that it sends. */
export const METHOD_NAME_MAX = 64;
export const AUTHENTICATION_DATA_MAX = 256;

/** A method on the client's side. */
export interface ClientAuthentication {
	/** as the property Authentication Method says it */
	readonly name: string;
	/** A proof begins. @returns Authentication Data for CONNECT, or for the AUTH that begins it again; undefined: none */
	begin(): Uint8Array | undefined;
	/** Takes the server's Authentication Data at bytes[start..end), which are used up on return.
	 *  @param answer for what takes time: return "later" and call it, once, with the same
	 *  @returns the answer; undefined: it makes no sense, and the client goes */
	take(
		bytes: Uint8Array,
		start: number,
		end: number,
		answer: (data: Uint8Array | undefined) => void,
	): Uint8Array | undefined | "later";
	/** The server says that it is satisfied, with its last data. @returns whether this side believes the server, too */
	finish(bytes: Uint8Array, start: number, end: number): boolean;
}

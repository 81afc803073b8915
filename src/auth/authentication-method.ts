/** What a method of Enhanced Authentication has to do, on the server's side. Spec: 5.0, 4.12 */

/** A method, such as SCRAM-SHA-256 (scram.ts); an application may bring others. */
export interface AuthenticationMethod {
	/** as the property Authentication Method says it, at most 64 bytes */
	readonly name: string;
	/** A client begins to prove who it is: at CONNECT, or again on a live connection.
	 *  @param clientId "": the client has none of its own @param userName CONNECT's; undefined: none
	 *  @returns what takes the client's Authentication Data from now on */
	begin(clientId: string, userName: string | undefined): AuthenticationExchange;
}

/** One client's proof, one step after the other. An exception in it refuses the client. */
export interface AuthenticationExchange {
	/** Takes Authentication Data at bytes[start..end), which are used up on return; start === end: none came. */
	take(bytes: Uint8Array, start: number, end: number): "continue" | "success" | "failure";
	/** Authentication Data for the client after "continue" and "success", at most 256 bytes; undefined: none */
	readonly data: Uint8Array | undefined;
	/** who it is, after "success" */
	readonly userName: string;
}

/** Most bytes of a method's name, and of the data that it sends. */
export const METHOD_NAME_MAX = 64;
export const AUTHENTICATION_DATA_MAX = 256;

/** SCRAM-SHA-256 as a method of Enhanced Authentication, the server's side: a password is proved without being sent,
 *  and what is kept here cannot be used to log in elsewhere. RFC 7677, RFC 5802; Spec: 5.0, 4.12 */
import type { Crypto, Platform, Text } from "../platform.js";
import type { AuthenticationExchange, AuthenticationMethod } from "./authentication-method.js";
import { decodeBase64, encodeBase64 } from "./base64.js";
import { bytesOfText, sameBytes } from "./bytes.js";
import { Pbkdf2 } from "./key-derivation.js";

/** What is kept of a user's password. RFC 5802, section 3 */
export interface ScramCredentials {
	salt: Uint8Array;
	/** ≥ 4,096 */
	iterations: number;
	/** 32 bytes each */
	storedKey: Uint8Array;
	serverKey: Uint8Array;
}

export interface ScramOptions {
	/** @returns what is kept of the user; undefined: no such user, which a client cannot tell from a wrong password */
	credentials(userName: string, clientId: string): ScramCredentials | undefined;
	/** iterations that a user who is not there seems to have. Default: 4,096 */
	iterations?: number;
}

/** RFC 7677, section 4: the least that there should be. */
const ITERATIONS = 4_096;

/** Longest message of a client, and longest part of the nonce that it brings. */
const MESSAGE_MAX = 512;
const NONCE_MAX = 96;

/** Derives what is kept of a password: iterations × HMAC, some milliseconds on a PC and seconds on a device.
 *  @param salt 16 random bytes or more @param iterations ≥ 4,096; lower throws RangeError */
export function scramCredentials(
	crypto: Crypto,
	text: Text,
	password: string,
	salt: Uint8Array,
	iterations: number = ITERATIONS,
): ScramCredentials {
	if (!(iterations >= ITERATIONS)) throw new RangeError(`iterations: give ${ITERATIONS} or more, not ${iterations}`);
	const derivation = new Pbkdf2(crypto, bytesOfText(text, password), salt, iterations);
	derivation.step(iterations);
	return scramCredentialsOf(crypto, text, derivation.key, salt, iterations);
}

/** The same of what PBKDF2 has made of the password already, 32 bytes: for a device, which makes that in slices. */
export function scramCredentialsOf(
	crypto: Crypto,
	text: Text,
	salted: Uint8Array,
	salt: Uint8Array,
	iterations: number,
): ScramCredentials {
	const storedKey = crypto.sha256(crypto.hmacSha256(salted, bytesOfText(text, "Client Key")));
	return { salt, iterations, storedKey, serverKey: crypto.hmacSha256(salted, bytesOfText(text, "Server Key")) };
}

export class ScramSha256 implements AuthenticationMethod {
	readonly name = "SCRAM-SHA-256";
	readonly crypto: Crypto;
	readonly text: Text;
	readonly iterations: number;
	/** makes the salt of a user who is not there the same each time */
	private readonly secret: Uint8Array;

	/** @param platform its `crypto` is needed; RangeError: it has none */
	constructor(
		readonly platform: Platform,
		private readonly options: ScramOptions,
	) {
		if (platform.crypto === undefined) throw new RangeError("SCRAM-SHA-256: the platform has no crypto");
		this.crypto = platform.crypto;
		this.text = platform.text;
		this.iterations = options.iterations ?? ITERATIONS;
		this.secret = this.randomBytes(32);
	}

	begin(clientId: string): AuthenticationExchange {
		return new ScramExchange(this, clientId);
	}

	/** @returns what is kept of the user, or what looks like it and no password fits */
	credentials(userName: string, clientId: string): ScramCredentials {
		const found = this.options.credentials(userName, clientId);
		if (found !== undefined) return found;
		const salt = this.crypto.hmacSha256(this.secret, bytesOfText(this.text, userName)).slice(0, 16);
		return { salt, iterations: this.iterations, storedKey: this.randomBytes(32), serverKey: this.secret };
	}

	/** @returns the server's part of the nonce: printable, without a comma */
	nonce(): string {
		return encodeBase64(this.randomBytes(18));
	}

	private randomBytes(count: number): Uint8Array {
		const bytes = new Uint8Array(count);
		for (let i = 0; i < count; i++) bytes[i] = this.platform.random() >>> 24;
		return bytes;
	}
}

/** The two messages of a client and the two that answer them. RFC 5802, section 5 */
class ScramExchange implements AuthenticationExchange {
	data: Uint8Array | undefined = undefined;
	userName = "";
	private user: ScramCredentials | undefined = undefined;
	private gs2Header = "";
	private nonce = "";
	/** both first messages with a comma after each: where AuthMessage begins */
	private firstMessages = "";

	constructor(
		private readonly method: ScramSha256,
		private readonly clientId: string,
	) {}

	take(bytes: Uint8Array, start: number, end: number): "continue" | "success" | "failure" {
		const message = end - start > MESSAGE_MAX ? undefined : this.method.text.decode(bytes, start, end);
		this.data = undefined;
		if (message === undefined) return "failure";
		return this.user === undefined ? this.first(message) : this.final(message, this.user);
	}

	/** client-first-message: "n,,n=user,r=nonce" */
	private first(message: string): "continue" | "failure" {
		// no channel binding ("n", "y"), and nobody acts for another ("a=…")
		if (!message.startsWith("n,,") && !message.startsWith("y,,")) return "failure";
		const bare = message.slice(3);
		const parts = bare.split(",");
		const name = (parts[0] ?? "").startsWith("n=") ? userNameOf(parts[0]!.slice(2)) : undefined;
		const nonce = (parts[1] ?? "").startsWith("r=") ? parts[1]!.slice(2) : "";
		if (name === undefined || nonce === "" || nonce.length > NONCE_MAX) return "failure";
		const method = this.method;
		const user = method.credentials(name, this.clientId);
		this.user = user;
		this.userName = name;
		this.gs2Header = message.slice(0, 3);
		this.nonce = nonce + method.nonce();
		const answer = `r=${this.nonce},s=${encodeBase64(user.salt)},i=${user.iterations}`;
		this.firstMessages = `${bare},${answer},`;
		this.data = bytesOfText(method.text, answer);
		return "continue";
	}

	/** client-final-message: "c=biws,r=nonce,p=proof" */
	private final(message: string, user: ScramCredentials): "success" | "failure" {
		const { crypto, text } = this.method;
		const proofAt = message.lastIndexOf(",p=");
		if (proofAt < 0) return "failure";
		const withoutProof = message.slice(0, proofAt);
		const parts = withoutProof.split(",");
		const binding = `c=${encodeBase64(bytesOfText(text, this.gs2Header))}`;
		const proof = decodeBase64(message.slice(proofAt + 3));
		if (parts[0] !== binding || parts[1] !== `r=${this.nonce}` || proof?.length !== 32) return "failure";
		const authMessage = bytesOfText(text, this.firstMessages + withoutProof);
		const signature = crypto.hmacSha256(user.storedKey, authMessage);
		for (let i = 0; i < 32; i++) proof[i]! ^= signature[i]!;
		if (!sameBytes(crypto.sha256(proof), user.storedKey)) return "failure";
		this.data = bytesOfText(text, `v=${encodeBase64(crypto.hmacSha256(user.serverKey, authMessage))}`);
		return "success";
	}
}

/** @returns the user name that a saslname stands for; undefined: it is none. RFC 5802, section 5.1 */
function userNameOf(name: string): string | undefined {
	if (name === "" || /=(?!2C|3D)/.test(name)) return undefined;
	return name.replace(/=2C/g, ",").replace(/=3D/g, "=");
}

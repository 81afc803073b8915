/** An export that only who knows the passphrase can read: age's format (age-encryption.org/v1), with scrypt. */
import { Decrypter, Encrypter } from "age-encryption";

const BEGIN = "age-encryption.org/v1\n";

/** @returns whether the bytes begin as age's do */
export function isSealed(bytes: Buffer): boolean {
	return bytes.subarray(0, BEGIN.length).toString("latin1") === BEGIN;
}

/** scrypt's work: about a second, for who guesses, too. The logarithm to base 2. */
export const SEAL_COST = 18;

/** @param cost see SEAL_COST */
export function seal(bytes: Uint8Array, passphrase: string, cost: number): Promise<Uint8Array> {
	const encrypter = new Encrypter();
	encrypter.setScryptWorkFactor(cost);
	encrypter.setPassphrase(passphrase);
	return encrypter.encrypt(bytes);
}

/** @returns undefined: another passphrase, or bytes that were changed */
export async function unseal(bytes: Uint8Array, passphrase: string): Promise<Buffer | undefined> {
	const decrypter = new Decrypter();
	decrypter.addPassphrase(passphrase);
	try {
		return Buffer.from(await decrypter.decrypt(bytes));
	} catch {
		return undefined; // every chunk is authenticated: there is no half
	}
}

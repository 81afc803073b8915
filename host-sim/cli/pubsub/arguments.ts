/** The arguments of `hearth pub` and `hearth sub`, taken one after the other as Mosquitto takes them: what follows a
 *  flag is its value, whatever it begins with. */
import { isUtf8 } from "node:buffer";
import { readFileSync } from "node:fs";
import { HearthError } from "../../../src/errors.js";

export type Command = "pub" | "sub";

export class Arguments {
	/** the flag whose values are taken, as it was given */
	flag = "";
	private at = 0;

	/** @param where begins each error: the command, or a line of its configuration
	 *  @param raw the arguments' bytes as the system gave them; absent: unknown */
	constructor(
		readonly command: Command,
		private readonly args: readonly string[],
		private readonly where: string = command,
		private readonly raw?: readonly Uint8Array[],
	) {}

	get ended(): boolean {
		return this.at >= this.args.length;
	}

	/** Begins with the next flag. @returns the flag */
	nextFlag(): string {
		this.flag = this.args[this.at++]!;
		return this.flag;
	}

	/** @param what is missing when there is no more. @returns the flag's next value; throws HearthError when there is
	 *  none */
	next(what: string): string {
		const value = this.args[this.at++];
		if (value === undefined)
			throw this.unusable(`${this.flag}: ${what} is missing after it; hearth ${this.command} --help explains`);
		return value;
	}

	/** @returns the next value, which is well-formed UTF-8 without U+0000; throws HearthError when it isn't. Spec:
	 *  [MQTT-1.5.4-1] [MQTT-1.5.4-2] */
	utf8(what: string): string {
		const value = this.next(what);
		const bytes = value.includes("\ufffd") ? this.raw?.[this.at - 1] : undefined;
		if (bytes !== undefined && !isUtf8(bytes)) throw this.unusable(`${this.flag} ${value}: is not UTF-8; give UTF-8`);
		return value;
	}

	/** @returns the next value's bytes as they were given, UTF-8 or not */
	bytes(what: string): Uint8Array {
		const value = this.next(what);
		// Node has put U+FFFD for what is no UTF-8
		const bytes = value.includes("\ufffd") ? this.raw?.[this.at - 1] : undefined;
		return bytes ?? Buffer.from(value);
	}

	/** @returns the next value, a whole number within the bounds; throws HearthError otherwise */
	integer(least: number, most: number): number {
		return this.parse(this.next("a number"), least, most);
	}

	/** @returns the text as a whole number within the bounds; throws HearthError otherwise */
	parse(text: string, least: number, most: number): number {
		const number = Number(text);
		if (/^\d+$/.test(text) && number >= least && number <= most) return number;
		throw this.unusable(`${this.flag} ${text}: give a number from ${least} to ${most}`);
	}

	/** @returns the next value, a number within the bounds such as 0.5; throws HearthError otherwise */
	decimal(least: number, most: number): number {
		const text = this.next("a number");
		const number = Number(text);
		if (/^(\d+\.?\d*|\.\d+)$/.test(text) && number >= least && number <= most) return number;
		throw this.unusable(`${this.flag} ${text}: give a number from ${least} to ${most}`);
	}

	unusable(what: string): HearthError {
		return new HearthError("HEARTH_ERR_OPTION", `${this.where}: ${what}`);
	}
}

/** @returns the bytes of the process's last `count` arguments, where the system tells (Linux) */
export function rawArguments(count: number): Uint8Array[] | undefined {
	try {
		const all = readFileSync("/proc/self/cmdline");
		const found: Uint8Array[] = [];
		for (let start = 0; start < all.length; ) {
			const end = all.indexOf(0, start);
			found.push(all.subarray(start, end < 0 ? all.length : end));
			start = (end < 0 ? all.length : end) + 1;
		}
		return count > 0 && found.length >= count ? found.slice(-count) : undefined;
	} catch {
		return undefined;
	}
}

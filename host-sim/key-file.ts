/** A device's keys in a file that only its owner can read: JSON with two entries, replaced as a whole. */
import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { HearthError } from "../src/errors.js";
import type { KeySlots } from "../src/hub/device-keys.js";

/** @returns where a device's keys are, if nobody says otherwise. @param id its identifier */
export function keyFileOf(id: string): string {
	return join(homedir(), ".config", "hearth", `${id}.keys`);
}

export class KeyFile implements KeySlots {
	private slots: (string | null)[] = [null, null];

	/** Throws HearthError when there is a file that is none of this kind. */
	constructor(readonly path: string) {
		let json: string;
		try {
			json = readFileSync(path, "utf8");
		} catch (error) {
			if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
			throw new HearthError("HEARTH_ERR_FILE", `${path}: cannot be read (${(error as NodeJS.ErrnoException).code})`);
		}
		try {
			const { slots } = JSON.parse(json) as { slots: unknown[] };
			this.slots = slots.map((slot) => (typeof slot === "string" ? slot : null));
		} catch {
			throw new HearthError("HEARTH_ERR_FILE", `${path}: holds no keys; give another file with --keys`);
		}
	}

	read(slot: number): Uint8Array | undefined {
		const found = this.slots[slot];
		return found ? new Uint8Array(Buffer.from(found, "base64")) : undefined;
	}

	write(slot: number, bytes: Uint8Array | undefined, saved: (ok: boolean) => void): void {
		const slots = [...this.slots];
		slots[slot] = bytes === undefined ? null : Buffer.from(bytes).toString("base64");
		try {
			mkdirSync(dirname(this.path), { recursive: true, mode: 0o700 });
			const temporary = `${this.path}.new`;
			const file = openSync(temporary, "w", 0o600);
			writeSync(file, `${JSON.stringify({ slots })}\n`);
			fsyncSync(file);
			closeSync(file);
			renameSync(temporary, this.path);
			const folder = openSync(dirname(this.path), "r");
			fsyncSync(folder);
			closeSync(folder);
		} catch {
			return saved(false);
		}
		this.slots = slots;
		saved(true);
	}
}

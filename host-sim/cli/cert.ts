/** `hearth cert`: a certificate for a hub at home. */
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { HearthError } from "../../src/errors.js";
import { makeCertificate } from "../certificate.js";

const HELP = `usage: hearth cert [HOST...] [options]

Makes a key and a certificate that it signs itself, for host names and IP addresses that clients connect to;
without any, for this machine's name and localhost. Writes cert.pem and key.pem.

  --out DIR            where to write (default .)
  --days N             how long it is valid (default 800)
  --force              overwrite what is there`;

const OPTIONS = {
	out: { type: "string", default: "." },
	days: { type: "string", default: "800" }, // Apple's devices take no more than 825
	force: { type: "boolean", default: false },
	help: { type: "boolean", short: "h", default: false },
	verbose: { type: "boolean", default: false },
} as const;

/** 100 years */
const DAYS_MAX = 36_500;

/** Makes cert.pem and key.pem. @returns the exit code. Throws HearthError for unusable arguments, and rather than
 *  overwriting anything. */
export async function cert(args: string[]): Promise<number> {
	const { values, positionals } = parse(args);
	if (values.help) {
		console.log(HELP);
		return 0;
	}
	const days = Number(values.days);
	if (!/^\d+$/.test(values.days) || days < 1 || days > DAYS_MAX)
		throw new HearthError("HEARTH_ERR_OPTION", `cert: --days ${values.days}: give a number from 1 to ${DAYS_MAX}`);
	const hosts = positionals.length > 0 ? positionals : ownHosts();
	const made = makeCertificate({ commonName: hosts[0]!, hosts, days, usage: "server" });
	const folder = resolve(values.out);
	const paths = { cert: join(folder, "cert.pem"), key: join(folder, "key.pem") };
	if (!values.force)
		for (const path of [paths.cert, paths.key])
			if (existsSync(path))
				throw new HearthError("HEARTH_ERR_EXISTS", `cert: ${path}: is there already; --force overwrites it`);
	write(folder, [
		[paths.key, made.key, 0o600],
		[paths.cert, made.cert, 0o644],
	]);
	console.log(`certificate  ${paths.cert}`);
	console.log(`key          ${paths.key}`);
	console.log(`SHA-256      ${made.fingerprint}`);
	console.log(`for          ${hosts.join(", ")}`);
	console.log(`until        ${made.validTo.toISOString().slice(0, 10)}`);
	return 0;
}

/** Writes files, each at once and whole; and none before all could be written. */
function write(folder: string, files: readonly (readonly [path: string, text: string, mode: number])[]): void {
	const temporary = `.${randomBytes(6).toString("hex")}`;
	try {
		mkdirSync(folder, { recursive: true });
		for (const [path, text, mode] of files) writeFileSync(path + temporary, text, { mode, flag: "wx", flush: true });
		for (const [path] of files) renameSync(path + temporary, path);
	} catch (error) {
		for (const [path] of files) if (existsSync(path + temporary)) rmSync(path + temporary);
		const cause = (error as NodeJS.ErrnoException).code ?? String(error);
		throw new HearthError("HEARTH_ERR_WRITE", `cert: ${folder}: cannot be written (${cause}); give another with --out`);
	}
}

function ownHosts(): string[] {
	const name = hostname().toLowerCase();
	const names = name.includes(".") ? [name] : [name, `${name}.local`];
	return [...new Set([...names, "localhost", "127.0.0.1", "::1"])].filter((host) => host !== "");
}

function parse(args: string[]) {
	try {
		return parseArgs({ args, options: OPTIONS, allowPositionals: true, strict: true });
	} catch (error) {
		const message = error instanceof Error ? error.message.split(/[.\n]/)[0] : String(error);
		throw new HearthError("HEARTH_ERR_OPTION", `cert: ${message}; hearth cert --help lists the options`);
	}
}

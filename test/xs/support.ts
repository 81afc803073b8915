/** Tests of programs on XS: skipped, with the reason, where the host cannot be built. */
import { rmSync } from "node:fs";
import {
	buildHost,
	CannotBuild,
	CPU,
	startBundles,
	writeBundle,
	type XsCpu,
	type XsOptions,
	type XsResult,
} from "../../scripts/xs.mjs";

/** Why nothing runs on XS here; undefined: it does. The first test to ask builds the host, which takes some seconds. */
export async function whyNoXs(cpu: XsCpu = CPU): Promise<string | undefined> {
	try {
		await buildHost({ cpu });
		return undefined;
	} catch (error) {
		if (error instanceof CannotBuild) return error.message;
		throw error;
	}
}

let scripts = 0;

/** Runs scripts as they are. @param preload what becomes ROM */
export async function runScript(main: string, preload?: string, options?: XsOptions): Promise<XsResult> {
	const stem = `script-${process.pid}-${scripts++}`;
	const strict = '"use strict";\n';
	const bundles = {
		main: writeBundle(`${stem}.main.js`, strict + main),
		preload: preload === undefined ? undefined : writeBundle(`${stem}.preload.js`, strict + preload),
	};
	try {
		return await (await startBundles(bundles, options)).done;
	} finally {
		rmSync(bundles.main);
		if (bundles.preload !== undefined) rmSync(bundles.preload);
	}
}

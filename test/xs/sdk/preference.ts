/** Stands for the SDK's module "preference": as there, `set` takes none of the engine's memory. */
export default {
	get(domain: string, key: string): string | number | boolean | undefined {
		const text = host.kept(domain, key);
		if (text === undefined || text === "true" || text === "false") return text === undefined ? text : text === "true";
		return text.startsWith('"') ? text.slice(1) : Number(text);
	},
	set: (domain: string, key: string, value: string | number | boolean): void => host.keep(domain, key, value),
};

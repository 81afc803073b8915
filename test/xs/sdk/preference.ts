/** Stands for the SDK's module "preference": kept for as long as the process lives. */
interface Holder {
	preferences?: Map<string, string | number | boolean>;
}

function kept(): Map<string, string | number | boolean> {
	const holder = globalThis as Holder;
	holder.preferences ??= new Map();
	return holder.preferences;
}

export default {
	get: (domain: string, key: string): string | number | boolean | undefined => kept().get(`${domain} ${key}`),
	set: (domain: string, key: string, value: string | number | boolean): void => {
		kept().set(`${domain} ${key}`, value);
	},
};

/** Stands for the SDK's module "Resource": the page's files, as the build left them beside each other. */
const PREFIX = "page-";

export default class Resource {
	constructor(name: string) {
		if (!name.startsWith(PREFIX)) throw new Error(`no resource ${name}`);
		// biome-ignore lint/correctness/noConstructorReturn: the SDK's is a host buffer, which only native code makes
		return host.resource(name.slice(PREFIX.length)) as Resource;
	}
}

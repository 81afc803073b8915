/** What a person carries from a hub to a device: the code, or the text of its QR code, which says where the hub is. */

/** What a code, or the text of a QR code, says. */
export interface Invitation {
	/** 8 digits */
	code: string;
	/** of a QR code: whom it belongs to, and where that is */
	hubId?: string;
	host?: string;
	port?: number;
}

/** @param given 8 digits, with spaces or hyphens wherever somebody likes them, or "HEARTH:1:code:hub:host:port" in
 *  small or capital letters @returns undefined: it is neither */
export function parseInvitation(given: string): Invitation | undefined {
	const code = given.replace(/[\s-]/g, "");
	if (/^\d{8}$/.test(code)) return { code };
	const found = /^HEARTH:1:(\d{8}):([A-Z0-9]{8}):(.+):(\d{1,5})$/i.exec(given.trim());
	if (found === null) return undefined;
	return { code: found[1]!, hubId: found[2]!.toUpperCase(), host: found[3]!.toLowerCase(), port: Number(found[4]) };
}

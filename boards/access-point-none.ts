/** In place of access-point.ts where the SDK cannot open a Wi-Fi: on a Pico. */

export const ACCESS_POINT_ADDRESS = "";

/** Throws an Error with one line. */
export function openAccessPoint(_ssid: string, _password: string | undefined): void {
	throw new Error("this board cannot be set up by a page: build with ssid=NAME password=PASSWORD");
}

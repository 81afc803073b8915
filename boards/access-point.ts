/** A Wi-Fi of the board's own, on an ESP32: the SDK's older module of Wi-Fi has it. */
import WiFi from "wifi";

/** The board's address there, as the vendor's SDK has it. */
export const ACCESS_POINT_ADDRESS = "192.168.4.1";

/** Opens it. @param password at least 8 characters; undefined: everybody near may come in
 *  Throws the SDK's error */
export function openAccessPoint(ssid: string, password: string | undefined): void {
	WiFi.accessPoint(password === undefined ? { ssid, max: 2 } : { ssid, password, max: 2 });
}

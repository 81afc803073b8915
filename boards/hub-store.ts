/** Where a board keeps the hub's records: in the SDK's store of names and values, NVS on an ESP32. The manifests of
 *  boards without one name another file in place of this. */
import { VALUE_BYTES_MAX } from "../src/hub/key-value-records.js";
import { Domain } from "./medium-key-value.js";
import type { MediumPlatform } from "./medium-steps.js";

/** The store's domain. */
const DOMAIN = "hearth-hub";

/** Throws the SDK's error when the store cannot be opened. @param _devices at most */
export function openRecords(_platform: MediumPlatform, _devices: number): Domain {
	return new Domain(DOMAIN, VALUE_BYTES_MAX);
}

/** host-sim/text.ts on XS. */
import { DeviceText } from "../../../boards/text.js";

export const text = new DeviceText();

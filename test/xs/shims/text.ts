/** host-sim/text.ts on XS. */
import { XsText } from "../platform.js";

export const text = new XsText();

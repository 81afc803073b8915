/** On XS: 100,000 messages (routed.ts). */
import { load } from "./routed.js";

load(100_000);

/** On XS: as load.ts, for the boards that differ in numbers only. */
import { load } from "./routed.js";

load(10_000);

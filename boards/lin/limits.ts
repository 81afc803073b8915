/** The SDK's Linux runtime, built for 32 bits: an ESP32's heaps and limits, to prove on a PC what an ESP32 needs. */
export { limits } from "../esp32/limits.js";

/** Whether a test is run with the module that browsers load, as it was built. */
export const isBuilt = false;

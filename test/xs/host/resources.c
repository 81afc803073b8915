/* Files that lie in a device's flash: shown where they are, none of the engine's memory is taken for what is in them. */
#include "xshost.h"

#define RESOURCES 16

static const char* folder;
static struct {
	char name[64];
	void* data;
	size_t size;
} resources[RESOURCES];
static int resourceCount;

void resourcesConfigure(const char* path)
{
	folder = path;
}

/* Returns an index; -1: there is none of that name. What was read is kept. */
static int find(const char* name)
{
	char path[512];
	FILE* file;
	int i;
	for (i = 0; i < resourceCount; i++)
		if (!strcmp(resources[i].name, name))
			return i;
	if (!folder || strchr(name, '/') || strlen(name) >= sizeof resources[i].name || i == RESOURCES)
		return -1;
	snprintf(path, sizeof path, "%s/%s", folder, name);
	if (!(file = fopen(path, "rb")))
		return -1;
	strcpy(resources[i].name, name);
	fseek(file, 0, SEEK_END);
	resources[i].size = ftell(file);
	rewind(file);
	resources[i].data = malloc(resources[i].size);
	resources[i].size = fread(resources[i].data, 1, resources[i].size, file);
	fclose(file);
	return resourceCount++;
}

/* resource(name): a host buffer that may be read */
static void hostResource(xsMachine* the)
{
	int i = find(xsToString(xsArg(0)));
	if (i < 0)
		xsURIError("Resource not found");
	xsResult = xsNewHostObject(NULL);
	xsSetHostBuffer(xsResult, resources[i].data, resources[i].size);
	xsPetrifyHostBuffer(xsResult);
}

const HostFunction resourceFunctions[] = {
	{ "resource", hostResource, 1 },
};
const int resourceFunctionCount = sizeof resourceFunctions / sizeof resourceFunctions[0];

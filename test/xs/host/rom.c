/* Scripts, and the read-only memory of a device: code, strings and preloaded objects that are used where they lie. */
#include "xshost.h"

/* Marks what the byte code at `p` builds at run time as residing in flash. */
static void useFromFlash(txByte* p)
{
	switch (*(txU1*)p) {
	case XS_CODE_CODE_1: *p = (txByte)XS_CODE_CODE_ARCHIVE_1; break;
	case XS_CODE_CODE_2: *p = (txByte)XS_CODE_CODE_ARCHIVE_2; break;
	case XS_CODE_CODE_4: *p = (txByte)XS_CODE_CODE_ARCHIVE_4; break;
	case XS_CODE_STRING_1: *p = (txByte)XS_CODE_STRING_ARCHIVE_1; break;
	case XS_CODE_STRING_2: *p = (txByte)XS_CODE_STRING_ARCHIVE_2; break;
	case XS_CODE_STRING_4: *p = (txByte)XS_CODE_STRING_ARCHIVE_4; break;
	}
}

/* Replaces the script's own numbers of names by the machine's, as fxRunScript would, but in place. */
static void mapCode(txScript* script, const txID* ids, int flash)
{
	txByte* p = script->codeBuffer;
	txByte* end = p + script->codeSize;
	while (p < end) {
		txS1 size = gxCodeSizes[*(txU1*)p];
		if (flash)
			useFromFlash(p);
		if (size > 0) {
			p += size;
			continue;
		}
		p++;
		if (size == 0) { /* a name follows */
			txByte* at = p;
			txID id;
			mxDecodeID(p, id);
			if (id != XS_NO_ID) {
				id = ids[id];
				p = at;
				mxEncodeID(p, id);
			}
		}
		else if (size == -1) /* as many bytes as the next one, two or four say */
			p += 1 + *(txU1*)p;
		else if (size == -2) {
			txU2 n;
			mxDecode2(p, n);
			p += n;
		}
		else {
			txS4 n;
			mxDecode4(p, n);
			p += n;
		}
	}
}

static txScript* parse(txMachine* the, const char* path, FILE* file)
{
	txParser _parser, *parser = &_parser;
	txParserJump jump;
	txScript* script = NULL;
	fxInitializeParser(parser, the, 256 * 1024, 1993);
	parser->firstJump = &jump;
	if (setjmp(jump.jmp_buf) == 0) {
		parser->path = fxNewParserSymbol(parser, (txString)path);
		fxParserTree(parser, file, (txGetter)fgetc, mxProgramFlag, NULL);
		fxParserHoist(parser);
		fxParserBind(parser);
		script = fxParserCode(parser);
	}
	fxTerminateParser(parser);
	return script;
}

txScript* loadScript(txMachine* the, const char* path, int flash)
{
	FILE* file = fopen(path, "r");
	txScript* script;
	txByte* p;
	txID count, i, *ids;
	if (!file) {
		perror(path);
		exit(2);
	}
	script = parse(the, path, file);
	fclose(file);
	if (!script)
		return NULL;
	p = script->symbolsBuffer;
	mxDecodeID(p, count);
	ids = calloc(count, sizeof(txID));
	for (i = 1; i < count; i++) {
		ids[i] = fxNewNameC(the, (txString)p);
		p += strlen((char*)p) + 1;
	}
	mapCode(script, ids, flash);
	free(ids);
	script->symbolsBuffer = NULL; /* mapped: fxRunScript takes the code as it is */
	return script;
}

void runScript(txMachine* machine, txScript* script)
{
	xsBeginHost(machine);
	{
		txSlot* realm = mxModuleInstanceInternal(mxProgram.value.reference)->value.module.realm;
		fxRunScript(the, script, mxRealmGlobal(realm), C_NULL, mxRealmClosures(realm)->value.reference, C_NULL,
			mxProgram.value.reference);
		mxPop();
	}
	xsEndHost(machine);
	runJobs(machine);
}

/* The linker freezes the built-in prototypes and every function of the preloaded code. */
static const char freezeSource[] =
	"(function () {"
	"	const seen = new Set, todo = [], prototypes = new Set, parent = Object.getPrototypeOf;"
	"	const add = v => {"
	"		if (v === null || typeof v != 'object' && typeof v != 'function' || seen.has(v)) return;"
	"		seen.add(v); todo.push(v);"
	"	};"
	"	todo.push(globalThis);"
	"	add(parent(function* () {})); add(parent(async function () {})); add(parent(async function* () {}));"
	"	add(parent([][Symbol.iterator]())); add(parent(new Map().entries())); add(parent(new Set().values()));"
	"	add(parent(''[Symbol.iterator]())); add(parent(''.matchAll(/x/g))); add(parent(function* () {}()));"
	"	let o;"
	"	while ((o = todo.pop())) {"
	"		add(parent(o));"
	"		for (const key of Reflect.ownKeys(o)) {"
	"			const d = Object.getOwnPropertyDescriptor(o, key);"
	"			if (!d) continue;"
	"			if (key == 'constructor' || key == 'prototype') prototypes.add(d.value);"
	"			if (key == 'constructor') prototypes.add(o);"
	"			add(d.value); add(d.get); add(d.set);"
	"		}"
	"	}"
	"	for (const f of seen)"
	"		if (typeof f == 'function' || f !== globalThis && prototypes.has(f)) Object.freeze(f);"
	"	for (const name of ['Math', 'JSON', 'Reflect', 'Atomics', 'host'])"
	"		if (globalThis[name]) Object.freeze(globalThis[name]);"
	"})()";

static void evaluate(txMachine* machine, const char* source)
{
	xsBeginHost(machine);
	xsVars(1);
	xsVar(0) = xsString(source);
	xsCall1(xsGlobal, xsID("eval"), xsVar(0));
	xsEndHost(machine);
}

static void freezeInstance(txSlot* instance)
{
	txSlot* property;
	instance->flag |= XS_DONT_PATCH_FLAG;
	for (property = instance->next; property; property = property->next)
		property->flag |= XS_DONT_DELETE_FLAG | (property->kind == XS_ACCESSOR_KIND ? 0 : XS_DONT_SET_FLAG);
}

/* Instances that cannot be copied to RAM at the first write become read-only: functions and the prototypes of
   constructors, environments, buffers, views, maps, sets, promises, proxies, regular expressions. */
static void freezeHeapSlot(txSlot* slot)
{
	txSlot* property = slot->next;
	if (slot->kind == XS_CLOSURE_KIND && slot->value.closure) { /* a closure variable that holds a function is const */
		txSlot* variable = slot->value.closure;
		if (variable->kind == XS_REFERENCE_KIND && mxIsFunction(variable->value.reference))
			variable->flag |= XS_DONT_SET_FLAG;
	}
	if (slot->kind != XS_INSTANCE_KIND || !property || !(property->flag & XS_INTERNAL_FLAG))
		return;
	switch (property->kind) {
	case XS_CALLBACK_KIND: case XS_CALLBACK_X_KIND: case XS_CODE_KIND: case XS_CODE_X_KIND:
		freezeInstance(slot);
		if (slot->flag & XS_CAN_CONSTRUCT_FLAG)
			for (; property; property = property->next)
				if (property->ID == mxID(_prototype) && property->kind == XS_REFERENCE_KIND)
					freezeInstance(property->value.reference);
		break;
	case XS_MAP_KIND: case XS_SET_KIND: case XS_WEAK_MAP_KIND: case XS_WEAK_SET_KIND: case XS_WEAK_REF_KIND:
	case XS_ARRAY_BUFFER_KIND: case XS_DATA_VIEW_KIND: case XS_TYPED_ARRAY_KIND: case XS_PROMISE_KIND:
	case XS_PROXY_KIND: case XS_REGEXP_KIND:
		freezeInstance(slot);
		break;
	default:
		if (property->ID == XS_ENVIRONMENT_BEHAVIOR)
			freezeInstance(slot);
	}
}

void freezeRom(txMachine* machine)
{
	txSlot *heap, *slot;
	evaluate(machine, freezeSource);
	fxCollectGarbage(machine);
	for (heap = machine->firstHeap; heap; heap = heap->next)
		for (slot = heap + 1; slot < heap->value.reference; slot++)
			freezeHeapSlot(slot);
}

/* Gives a slot the kind that says "this chunk is not yours": the collector then neither marks nor moves it. */
static void burnSlot(txMachine* the, txSlot* slot)
{
	switch (slot->kind) {
	case XS_STRING_KIND: slot->kind = XS_STRING_X_KIND; break;
	case XS_BIGINT_KIND: slot->kind = XS_BIGINT_X_KIND; break;
	case XS_KEY_KIND: slot->kind = XS_KEY_X_KIND; break;
	case XS_CODE_KIND: slot->kind = XS_CODE_X_KIND; break;
	case XS_CALLBACK_KIND: slot->kind = XS_CALLBACK_X_KIND; break;
	case XS_ARRAY_KIND:
		if (slot->value.array.address) {
			txSlot* item = slot->value.array.address;
			txIndex n = fxGetIndexSize(the, slot);
			for (; n; n--, item++)
				burnSlot(the, item);
		}
		break;
	}
}

void burnRom(txMachine* the)
{
	txSlot *heap, *slot;
	for (heap = the->firstHeap; heap; heap = heap->next)
		for (slot = heap + 1; slot < heap->value.reference; slot++)
			burnSlot(the, slot);
	for (slot = the->stack; slot < the->stackTop; slot++)
		burnSlot(the, slot);
}

/* SPDX-License-Identifier: MIT
 *
 * embed DIR NAME...: writes the C source of a bundle to standard output: the files DIR/NAME.lua as module .NAME, a slash
 * becoming a dot. A build tool.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void fail(const char *path)
{
	perror(path);
	exit(1);
}

static size_t put_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	size_t len = 0;
	int c;

	if (!f)
		fail(path);
	for (; (c = getc(f)) != EOF; len++)
		printf("%s%d,", len % 24 == 0 ? "\n\t" : "", c > 127 ? c - 256 : c);
	if (ferror(f))
		fail(path);
	fclose(f);
	return len;
}

int main(int argc, char **argv)
{
	size_t *lens = calloc((size_t)argc, sizeof(*lens));
	char path[4096];

	if (!lens || argc < 2) {
		fprintf(stderr, "usage: embed DIR NAME...\n");
		return 2;
	}
	printf("#include \"native.h\"\n");
	for (int i = 2; i < argc; i++) {
		printf("static const char file_%d[] = {", i);
		snprintf(path, sizeof(path), "%s/%s.lua", argv[1], argv[i]);
		lens[i] = put_file(path);
		printf("0};\n");
	}
	printf("const struct bundle_file bundle[] = {\n");
	for (int i = 2; i < argc; i++) {
		for (char *p = argv[i]; *p; p++)
			if (*p == '/')
				*p = '.';
		printf("\t{\".%s\", file_%d, %zu},\n", argv[i], i, lens[i]);
	}
	printf("};\nconst size_t bundle_count = %d;\n", argc - 2);
	free(lens);
	return 0;
}

"""project.py N: writes a C project of N source files with a makefile, in the current folder."""
import os, sys
n = int(sys.argv[1])
os.makedirs("src", exist_ok=True); os.makedirs("include", exist_ok=True); os.makedirs("test", exist_ok=True)
for i in range(n):
    with open(f"include/f{i}.h", "w") as f:
        f.write(f"#pragma once\n#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n#include <pthread.h>\nstruct s{i} {{ int a[{i + 1}]; char name[32]; struct s{i} *next; }};\nint f{i}(int x);\n")
    with open(f"src/f{i}.c", "w") as f:
        deps = [k for k in (i // 2, i // 3) if k < i]
        f.write(f'#include "f{i}.h"\n' + "".join(f'#include "f{k}.h"\n' for k in deps))
        for k in range(20):
            f.write(f"static int g{k}(struct s{i} *s, int x)\n{{\n\tfor (int j = 0; j < {i + 1}; j++)\n\t\ts->a[j] = x * j + {k};\n\tsnprintf(s->name, sizeof(s->name), \"%d\", x);\n\treturn s->a[x % {i + 1}] + (int)strlen(s->name);\n}}\n")
        f.write(f"int f{i}(int x)\n{{\n\tstruct s{i} s;\n\tint r = {i};\n" + "".join(f"\tr += g{k}(&s, abs(x) % 100);\n" for k in range(20)) + "".join(f"\tr += f{k}(x / 2) % 1000;\n" for k in deps) + "\treturn r;\n}\n")
with open("test/main.c", "w") as f:
    f.write("".join(f'#include "f{i}.h"\n' for i in range(n)) + "int main(void)\n{\n\tlong s = 0;\n" + "".join(f"\ts += f{i}({i * 7});\n" for i in range(n)) + '\tprintf("sum %ld\\n", s);\n\treturn 0;\n}\n')
with open("Makefile", "w") as f:
    f.write("CFLAGS = -O1 -g -Wall -Iinclude -MMD\nSRC = $(wildcard src/*.c)\nOBJ = $(SRC:src/%.c=obj/%.o)\nall: program\nobj:\n\tmkdir -p obj\n"
            "obj/%.o: src/%.c | obj\n\t$(CC) $(CFLAGS) -c -o $@ $<\nlibproject.a: $(OBJ)\n\trm -f $@ && ar rcs $@ $(sort $(OBJ))\nprogram: test/main.c libproject.a\n\t$(CC) $(CFLAGS) -o $@ $^\n"
            "check: program\n\t@./program\nclean:\n\trm -rf obj program libproject.a *.d\n-include $(OBJ:.o=.d)\n.PHONY: all check clean\n")

mkdir pkg && cd pkg || exit 1
cat > configure.ac <<'X'
AC_INIT([small], [1.0])
AM_INIT_AUTOMAKE([foreign subdir-objects])
AC_PROG_CC
AC_CHECK_HEADERS([sys/epoll.h sys/nonexistent.h pthread.h])
AC_CHECK_FUNCS([epoll_wait splice nonexistent_function getrandom])
AC_CHECK_SIZEOF([long])
AC_C_BIGENDIAN
AC_SEARCH_LIBS([sqrt], [m])
AC_CONFIG_HEADERS([config.h])
AC_CONFIG_FILES([Makefile])
AC_OUTPUT
X
cat > Makefile.am <<'X'
bin_PROGRAMS = small
small_SOURCES = main.c part.c
TESTS = run.sh
EXTRA_DIST = run.sh
X
echo '#include "config.h"
#include <stdio.h>
int part(void);
int main(void) { printf("%s %d %d\n", PACKAGE_STRING, SIZEOF_LONG, part()); return 0; }' > main.c
echo 'int part(void) { return 3; }' > part.c
printf '#!/bin/sh\n./small | grep -q "small 1.0 8 3"\n' > run.sh; chmod +x run.sh
autoreconf -i > log 2>&1 || { cat log; exit 1; }
mkdir build && cd build && ../configure -q && make -s -j2 && ./small && make -s check 2>&1 | grep -E '^# (TOTAL|PASS|FAIL)' && make -s install DESTDIR="$PWD/inst" && find inst -type f && grep -v '^/\*' config.h | sort | sha256sum

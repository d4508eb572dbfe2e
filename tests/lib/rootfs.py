"""Where the test root file system is (tests/rootfs/make); imported by test scripts and run by shell scripts to print it."""
import os, sys


def find(kind="base"):
    """The path of the tree, or "" when nobody has made it. $WARREN_TEST_ROOTFS goes first."""
    given = os.environ.get("WARREN_TEST_ROOTFS")
    if given and kind == "base":
        return given
    link = os.environ.get("WARREN_CACHE", "/var/cache/warren") + ("/rootfs" if kind == "base" else "/rootfs-" + kind)
    return os.path.realpath(link) if os.path.isdir(link + "/usr/bin") else ""


if __name__ == "__main__":
    print(find(*sys.argv[1:2]))

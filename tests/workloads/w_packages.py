"""dpkg and apt, which write to the whole root file system: on an overlay."""
import re

from harness import workload


@workload("full", timeout=300)
def dpkg_apt(t):
    """dpkg -i, -r, -P, -V; apt-get update, install, upgrade, purge, autoremove from a local repository (file:)"""
    def scrub(text):
        text = re.sub(r"\(Reading database ... (\d+%|\rx)*", "(Reading database ... ", text.replace("\r", ""))
        text = re.sub(r"\d+ files and directories currently", "N files and directories currently", text)
        return re.sub(r"(Fetched|Need to get|After this|Get:\d+ file:|Ign:|Hit:|\d+ k?B).*", r"\1", text)
    r = t.same("sh /guest/apt.sh", scrub=scrub, writable=True)
    return f"{r.seconds:.2f} s, natively {r.native_seconds:.2f} s"

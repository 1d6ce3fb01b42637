#!/usr/bin/python3
"""Samba's own access check, for comparison. Reads JSON lines { "entries": [[sid, allow, mask, inherited]], "sids": [...] }
from the file named first and prints for each whether bit 1 (read) and bit 2 (write) are granted: `11`, `10`, `01`, `00`.
The entries are put into the order Windows writes them in: explicit before inherited, deny before allow."""
import json
import sys

from samba import NTSTATUSError, security
from samba.dcerpc import security as kinds

ACCESS_DENIED = 0xC0000022
DOMAIN = kinds.dom_sid("S-1-5-21-1-2-3")


def granted(descriptor, token, bit):
    try:
        return security.access_check(descriptor, token, bit) == bit
    except NTSTATUSError as error:
        if error.args[0] != ACCESS_DENIED:
            raise
        return False


for line in open(sys.argv[1], encoding="utf-8"):
    case = json.loads(line)
    entries = sorted(case["entries"], key=lambda e: (e[3], e[1]))
    text = "".join(f"({'A' if allow else 'D'};{'ID' if inherited else ''};0x{mask:x};;;{sid})" for sid, allow, mask, inherited in entries)
    descriptor = kinds.descriptor.from_sddl("O:SYG:SYD:" + text, DOMAIN)
    token = kinds.token()
    token.sids = [kinds.dom_sid(sid) for sid in case["sids"]]
    token.num_sids = len(case["sids"])
    print("".join("1" if granted(descriptor, token, bit) else "0" for bit in (1, 2)))

#!/usr/bin/env python3
"""A second verifier of the journal, written from docs/journal.md alone.

It owns one judgement: whether an exported journal, its checkpoints and its witness fit together. It shares no code with
Laufzettel, writes nothing and asks no network. Needs Python 3.11 and the package `cryptography` (Ed25519).

    verify.py --tenant T --records export.jsonl --checkpoints notes.jsonl --witness DIR [--live LANE] [--json]
    verify.py --batch DIR

Ends with 0 (intact), 5 (broken), 6 (not anchored), or 2 where there is nothing to judge.
"""

import argparse
import base64
import hashlib
import hmac
import json
import math
import re
import sys
import zlib
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

UNPACKED_BYTES_MAX = 64 * 1024 * 1024
DEPTH_MAX = 127
INTEGERS = range(-(2**63), 2**63)
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
NOTE = re.compile(
    r"(?P<text>laufzettel/v1/(?P<tenant>[^\n]*)\n(?P<number>0|[1-9][0-9]*)\n(?P<previous>[0-9a-f]{64})\n"
    r"(?P<heads>([1-9][0-9]* [1-9][0-9]* [0-9a-f]{64}\n)+))\n— (?P<name>[^\n]*) (?P<signature>[A-Za-z0-9+/=]+)\n"
)
CHAINED = ("lane", "seq", "run", "run_seq", "at", "kind", "actor", "body")
INTEGER, TEXT, NULL = int, str, type(None)
COLUMNS = {
    **dict.fromkeys(("lane", "seq", "at"), (INTEGER,)),
    **dict.fromkeys(("kind", "actor", "body", "hash"), (TEXT,)),
    **dict.fromkeys(("run", "salt", "content"), (TEXT, NULL)),
    "run_seq": (INTEGER, NULL),
}
SHRUNK = {"lane", "seq", "hash"}
GERMAN = {
    "note": "ein Prüfpunkt oder sein Schlüssel liest sich nicht, oder die Unterschrift passt nicht",
    "checkpoint_order": "ein Prüfpunkt fehlt oder steht an falscher Stelle",
    "checkpoint_fork": "ein Prüfpunkt der Datenbank ist ein anderer als der bezeugte",
    "checkpoint_head": "ein Prüfpunkt nennt an dieser Stelle einen anderen Eintrag",
    "truncated": "das Ende wurde abgeschnitten",
    "unreadable": "der Eintrag liest sich nicht",
    "order": "der Eintrag steht doppelt oder an falscher Stelle",
    "gap": "davor fehlt ein Eintrag",
    "hash": "die Prüfsumme passt nicht",
    "body": "der Text ist kein JSON-Objekt",
    "content": "der Inhalt passt nicht zu dem, worauf der Eintrag sich festlegt",
    "content_missing": "der Inhalt fehlt, und keine Löschung sagt es",
    "shrunk": "vom Eintrag ist nur die Prüfsumme da, und keine Löschung sagt es",
    "erasure": "er nennt eine Löschung, die nicht stattgefunden hat",
    "opening": "die Spur ist nicht richtig eröffnet",
    "fork": "eine frühere Spur ist eine andere, als diese vorgefunden hat",
    "run_sequence": "Einträge dieses Vorgangs fehlen oder stehen doppelt",
}


class Broken(Exception):
    """The first break: what it is (a key of GERMAN), and where."""

    def __init__(self, what, lane=0, seq=0):
        super().__init__(what)
        self.what, self.lane, self.seq = what, lane, seq


class Unusable(Exception):
    """Nothing to judge: an argument cannot be used."""


# JSON, numbers and bytes, strictly. All of it ends with ValueError where the text has another spelling.


class Pairs(list):
    """An object as it was written: name and value, in order, twice where it says so twice."""


def number(text):
    """A number that a double can hold; whole where it is spelled so."""
    if not math.isfinite(float(text)):
        raise ValueError("number out of range")
    return int(text) if text.lstrip("-").isdigit() else float(text)


def refuse(text):
    """NaN and Infinity are no JSON."""
    raise ValueError(text)


def depth(value):
    """How many arrays and objects lie inside each other."""
    if not isinstance(value, list):
        return 0
    return 1 + max((depth(inner[1] if isinstance(value, Pairs) else inner) for inner in value), default=0)


def read_json(data):
    """The value in UTF-8 bytes; an object as Pairs."""
    text = data.decode("utf-8")
    try:
        value = json.loads(text, object_pairs_hook=Pairs, parse_constant=refuse, parse_int=number, parse_float=number)
        if depth(value) > DEPTH_MAX:
            raise ValueError("nested too deeply")
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if "\\u" in text:
        json.dumps(value, ensure_ascii=False).encode("utf-8")  # half of a surrogate pair is no text
    return value


def read_object(data):
    """The object in UTF-8 bytes; its names occur once each."""
    pairs = read_json(data)
    if not isinstance(pairs, Pairs) or len(dict(pairs)) != len(pairs):
        raise ValueError("not an object, or a name twice")
    return dict(pairs)


def read_base64(text):
    """The bytes of base64 with padding, in its one spelling."""
    data = base64.b64decode(text, validate=True)
    if base64.b64encode(data).decode("ascii") != text:
        raise ValueError("another spelling of base64")
    return data


def read_hex(text, size):
    """So many bytes from lower-case hexadecimal."""
    if not isinstance(text, str) or re.fullmatch(f"[0-9a-f]{{{2 * size}}}", text) is None:
        raise ValueError("not lower-case hexadecimal of that length")
    return bytes.fromhex(text)


def is_integer(value):
    """A whole number that fits a column; `true` is none."""
    return type(value) is int and value in INTEGERS


def is_place(lane, seq):
    """Both count from 1."""
    return is_integer(lane) and is_integer(seq) and lane >= 1 and seq >= 1


# §2: the hash


def column(value):
    """C(x)."""
    if value is None:
        return b"\xff" * 8
    data = str(value).encode("utf-8")
    return len(data).to_bytes(8, "big") + data


def genesis(tenant, lane):
    """What the first record of a lane is chained to."""
    return hashlib.sha256(b"laufzettel/v1/lane" + column(tenant) + column(lane)).digest()


def record_hash(previous, record):
    """What the hash of a record must be after `previous`."""
    return hashlib.sha256(b"laufzettel/v1" + previous + b"".join(column(record[name]) for name in CHAINED)).digest()


# §1: one line of the export


def read_record(line):
    """The record of one exported line, its bytes decoded; Broken where a column is not what §1 says."""
    record = {}
    try:
        record = read_object(line)
        if record.keys() == SHRUNK:
            return read_shrunk(record)
        record.pop("satz", None)
        if record.keys() != COLUMNS.keys():
            raise ValueError("other columns")
        for name, value in record.items():
            if type(value) not in COLUMNS[name] or (type(value) is int and not is_integer(value)):
                raise ValueError(f"type of {name}")
        record["hash"] = read_hex(record["hash"], 32)
        record["salt"] = None if record["salt"] is None else read_hex(record["salt"], 16)
        record["content"] = None if record["content"] is None else read_base64(record["content"])
        return record
    except ValueError as error:
        place = [record[name] if is_integer(record.get(name)) else 0 for name in ("lane", "seq")]
        raise Broken("unreadable", *place) from error


def read_shrunk(record):
    """A record of which only place and hash are left; ValueError where they do not read."""
    if not is_integer(record["lane"]) or not is_integer(record["seq"]):
        raise ValueError("type of a place")
    return {"lane": record["lane"], "seq": record["seq"], "hash": read_hex(record["hash"], 32)}


# §4: body and content


def check_content(body, salt, content):
    """No mac, salt and content, all three that fit, or content that is gone; the kind of break otherwise, or None."""
    if salt is None and content is None:
        return None
    if "mac" not in body:
        return "content"
    if salt is None or content is None or body["mac"] != hmac.new(salt, content, hashlib.sha256).hexdigest():
        return "content"
    try:
        read_object(unpack(content))
        return None
    except (ValueError, zlib.error):
        return "content"


def unpack(content):
    """The JSON behind the marker byte."""
    data = content[1:]
    if content[:1] == b"\x01":
        stream = zlib.decompressobj(wbits=-15)
        data = stream.decompress(data, UNPACKED_BYTES_MAX + 1)
        if not stream.eof or stream.unused_data:
            raise ValueError("not exactly one stream, or too long")
    elif content[:1] != b"\x00":
        raise ValueError("unknown marker")
    if len(data) > UNPACKED_BYTES_MAX:
        raise ValueError("too long")
    return data


# §8, steps 6 and 9: what is gone


def read_ranges(body):
    """[(lane, first, last)] of a body; ValueError where they do not read."""
    ranges = body.get("ranges")
    if not isinstance(ranges, list) or isinstance(ranges, Pairs):
        raise ValueError("no list of ranges")
    for one in ranges:
        if not isinstance(one, list) or isinstance(one, Pairs) or len(one) != 3:
            raise ValueError("not three numbers")
        if not (is_place(one[0], one[1]) and is_place(one[0], one[2]) and one[1] <= one[2]):
            raise ValueError("not a range of places")
    return [tuple(one) for one in ranges]


def read_heads(heads):
    """[(lane, seq, hash)]; ValueError where they do not read."""
    if not isinstance(heads, list) or isinstance(heads, Pairs):
        raise ValueError("no list of heads")
    for head in heads:
        if not (isinstance(head, list) and len(head) == 3 and is_place(head[0], head[1])):
            raise ValueError("no head")
    return [(lane, seq, read_hex(digest, 32)) for lane, seq, digest in heads]


def read_run(body):
    """The run an erasure is about, None for records beside runs; ValueError where it does not read."""
    run = body.get("run")
    if run is not None and not (isinstance(run, str) and UUID.fullmatch(run)):
        raise ValueError("not a run")
    return run


# §6 and §7: checkpoints and their witness


def read_key(folder, tenant):
    """The public key of `<tenant>.vkey`; None where it is another tenant's and opens no note."""
    try:
        line = (folder / f"{tenant}.vkey").read_bytes().decode("utf-8").strip()
        name, spelled, text = line.split("+", 2)
        key = read_base64(text)
        if len(key) != 33 or key[0] != 1 or spelled != key_id(name, key[1:]).hex():
            raise ValueError("no verifier key")
        return key[1:] if name == f"laufzettel/v1/{tenant}" else None
    except ValueError as error:
        raise Broken("note") from error


def key_id(name, key):
    """The first four bytes of a digest over name and key."""
    return hashlib.sha256(name.encode("utf-8") + b"\n\x01" + key).digest()[:4]


def open_note(note, tenant, key):
    """(number, previous, text, heads) of a note with exactly one signature, by this key, for this tenant."""
    name, found = f"laufzettel/v1/{tenant}", NOTE.fullmatch(note)
    if found is None or found["tenant"] != tenant or found["name"] != name:
        raise ValueError("not a note of this tenant")
    text, signature = found["text"].encode("utf-8"), read_base64(found["signature"])
    if key is None or len(signature) != 68 or signature[:4] != key_id(name, key):
        raise ValueError("another key")
    Ed25519PublicKey.from_public_bytes(key).verify(signature[4:], text)
    heads = [line.split(" ") for line in found["heads"].splitlines()]
    heads = [(int(lane), int(seq), bytes.fromhex(digest)) for lane, seq, digest in heads]
    if not all(is_place(lane, seq) for lane, seq, _ in heads) or len({lane for lane, _, _ in heads}) != len(heads):
        raise ValueError("a head out of range, or two of one lane")
    return int(found["number"]), found["previous"], text, heads


def open_notes(notes, tenant, key):
    """The heads of each note of a gapless chain."""
    previous, opened = "0" * 64, []
    for place, note in enumerate(notes, start=1):
        try:
            named_number, named_previous, text, heads = open_note(note, tenant, key)
        except (ValueError, InvalidSignature) as error:
            raise Broken("note") from error
        if (named_number, named_previous) != (place, previous):
            raise Broken("checkpoint_order")
        previous = hashlib.sha256(text).hexdigest()
        opened.append(heads)
    return opened


def read_notes(data, torn):
    """The JSON strings of a file, one a line; where `torn`, a last line that is none counts as not written."""
    lines = data.removesuffix(b"\n").split(b"\n") if data else []
    notes = []
    for index, line in enumerate(lines, start=1):
        try:
            note = read_json(line)
        except ValueError:
            note = None
        if isinstance(note, str):
            notes.append(note)
        elif not (torn and index == len(lines)):
            raise Broken("note")
    return notes


def expectations(table, witness, tenant, key):
    """{(lane, seq): [(hash, witnessed)]} of the notes, after §8.1."""
    opened = open_notes(table, tenant, key)
    open_notes(witness, tenant, key)
    if any(ours != theirs for ours, theirs in zip(table, witness)):
        raise Broken("checkpoint_fork")
    if len(table) < len(witness):
        raise Broken("truncated")
    expected = {}
    for index, heads in enumerate(opened):
        for lane, seq, digest in heads:
            expected.setdefault((lane, seq), []).append((digest, index < len(witness)))
    return expected


# §8: the walk over the records


class Walk:
    """What is known after the records read so far."""

    def __init__(self, tenant, expected):
        self.tenant, self.expected = tenant, expected
        self.lane = self.seq = 0  # where we are
        self.previous, self.closed = b"", False  # the hash there, and whether it is `lane.closed`
        self.heads = []  # what the opening of this lane named
        self.hashes = {}  # of all records, by place
        self.runs = {}  # run -> {run_seq: place}
        self.ends = {}  # lane -> (last seq, closed)
        self.witnessed = {}  # lane -> last witnessed seq
        self.found = set()  # places a later lane found as its head
        self.gone = {}  # place -> (what is missing there, its run)
        self.named = set()  # places of these that a later record names
        self.restored = []  # (place, heads) of each record of a restored backup
        self.lost = []  # heads that are gone, and named so by a witnessed record

    def take(self, record):
        """Steps 2 to 7 for one record."""
        self.order(record["lane"], record["seq"])
        if record.keys() == SHRUNK:
            return self.shrunk(record["hash"])
        digest = record_hash(self.previous, record)
        self.must(digest == record["hash"], "hash")
        try:
            body = read_object(record["body"].encode("utf-8"))
        except ValueError:
            self.must(False, "body")
        what = check_content(body, record["salt"], record["content"])
        self.must(what is None, what)
        if "mac" in body and record["content"] is None:
            self.gone[self.lane, self.seq] = ("content_missing", record["run"])
        self.must((record["kind"] == "lane.opened") == (self.seq == 1), "opening")
        if self.seq == 1:
            self.opening(body.get("heads"))
        self.meet(digest)
        if record["run"] is None and record["run_seq"] is None:
            self.told(record["kind"], body)
        self.run(record["run"], record["run_seq"])
        self.previous, self.closed = digest, record["kind"] == "lane.closed"
        self.hashes[self.lane, self.seq] = digest

    def shrunk(self, digest):
        """A record of which only the hash is left: it is taken as given."""
        self.must(self.seq != 1, "opening")
        self.gone[self.lane, self.seq] = ("shrunk", None)
        self.meet(digest)
        self.previous, self.closed = digest, False
        self.hashes[self.lane, self.seq] = digest

    def told(self, kind, body):
        """Step 6: what a record says is gone is gone, and of that run."""
        if kind == "store.restored":
            return self.restored_from(body.get("heads"))
        if kind not in ("content.erased", "records.pruned"):
            return
        try:
            ranges, run = read_ranges(body), read_run(body) if kind == "content.erased" else None
        except ValueError:
            self.must(False, "erasure")
        fits = [("shrunk", None)] if kind == "records.pruned" else [("shrunk", None), ("content_missing", run)]
        for lane, first, last in ranges:
            places = [(lane, seq) for seq in range(first, min(last, self.last_of(lane)) + 1)]
            self.must(len(places) == last - first + 1, "erasure")
            self.must(all(self.gone.get(place) in fits for place in places), "erasure")
            self.named.update(place for place in places if kind == "records.pruned" or self.gone[place][0] != "shrunk")

    def restored_from(self, heads):
        """Step 6: heads a restored backup has lost; what does not read says nothing."""
        try:
            self.restored.append(((self.lane, self.seq), read_heads(heads)))
        except ValueError:
            pass

    def forgive(self):
        """Step 9: unmet expectations a witnessed record names as lost are none."""
        for (lane, seq), heads in self.restored:
            if self.witnessed.get(lane, 0) < seq:
                continue
            for of, last, digest in heads:
                if (digest, True) not in self.expected.get((of, last), []):
                    continue
                gone = [place for place in self.expected if place[0] == of and place[1] <= last]
                for place in gone:
                    if all(witnessed for _, witnessed in self.expected[place]):
                        del self.expected[place]
                self.lost.append((of, last))
        self.lost = sorted(set(self.lost))

    def last_of(self, lane):
        """The last place known of a lane, 0 where there is none."""
        return self.seq if lane == self.lane else self.ends.get(lane, (0, False))[0]

    def must(self, holds, what):
        """Broken at the record being looked at, unless it holds."""
        if not holds:
            raise Broken(what, self.lane, self.seq)

    def order(self, lane, seq):
        """Step 2; a new lane ends the one before."""
        if lane != self.lane:
            self.end_lane()
        if lane < max(self.lane, 1) or (lane == self.lane and seq <= self.seq) or seq < 1:
            raise Broken("order", lane, seq)
        if lane != self.lane:
            self.lane, self.seq, self.previous, self.heads = lane, 0, genesis(self.tenant, lane), []
        if seq > self.seq + 1:
            raise Broken("gap", lane, seq)
        self.seq = seq

    def opening(self, heads):
        """Step 5: the heads read."""
        try:
            self.heads = read_heads(heads)
        except ValueError:
            self.must(False, "opening")

    def meet(self, digest):
        """Step 6."""
        for expected, witnessed in self.expected.pop((self.lane, self.seq), []):
            self.must(expected == digest, "checkpoint_head")
            if witnessed:
                self.witnessed[self.lane] = self.seq

    def run(self, run, run_seq):
        """Step 7 as far as one record shows it: both or none, and no number twice."""
        if run is None and run_seq is None:
            return
        both = run is not None and run_seq is not None
        self.must(both and UUID.fullmatch(run) is not None and run_seq >= 1, "run_sequence")
        places = self.runs.setdefault(run, {})
        self.must(run_seq not in places, "run_sequence")
        places[run_seq] = (self.lane, self.seq)

    def end_lane(self):
        """Step 8: the heads this lane found are records of earlier lanes."""
        for lane, seq, digest in self.heads:
            if lane >= self.lane or self.hashes.get((lane, seq)) != digest:
                raise Broken("fork", self.lane, 1)
            self.found.add((lane, seq))
        if self.lane > 0:
            self.ends[self.lane] = (self.seq, self.closed)

    def end(self):
        """What only the whole shows: step 9, and holes in runs."""
        self.end_lane()
        self.forgive()
        if self.expected:
            raise Broken("truncated", *min(self.expected))
        holes = [place for places in self.runs.values() for place in after_hole(places)]
        if holes:
            raise Broken("run_sequence", *min(holes))
        unnamed = [place for place in self.gone if place not in self.named]
        if unnamed:
            raise Broken(self.gone[min(unnamed)][0], *min(unnamed))

    def anchored(self, lane, live):
        """Whether somebody vouches for the end of a lane."""
        last, closed = self.ends[lane]
        return (lane, last) in self.found or (self.witnessed.get(lane) == last and (closed or lane == live))


def after_hole(places):
    """The place of the first record of a run beyond a missing number, if there is one."""
    return [places[seq] for count, seq in enumerate(sorted(places), start=1) if seq != count][:1]


# From files to a verdict


def verify(tenant, records, checkpoints, witness, live):
    """The verdict over one journal as the object that --json prints."""
    if re.fullmatch(r"[a-z0-9-]{1,100}", tenant) is None:
        raise Unusable("no name of a tenant")
    try:
        key, seen = read_key(witness, tenant), witness / f"{tenant}.checkpoints.jsonl"
        table = read_notes(checkpoints.read_bytes(), torn=False)
        witnessed = read_notes(seen.read_bytes() if seen.exists() else b"", torn=True)
        walk = Walk(tenant, expectations(table, witnessed, tenant, key))
        with open(records, "rb") as lines:
            for line in lines:
                walk.take(read_record(line))
        walk.end()
    except Broken as broken:
        return verdict("broken", 5, broken.lane, broken.seq, broken.what)
    except OSError as error:
        raise Unusable(str(error)) from error
    unanchored = [f"{lane}/{walk.witnessed.get(lane, 0)}" for lane in walk.ends if not walk.anchored(lane, live)]
    lost = [f"{lane}/{seq}" for lane, seq in walk.lost]
    return verdict("not_anchored", 6, unanchored=unanchored, lost=lost) if unanchored else verdict("intact", 0, lost=lost)


def verdict(name, code, lane=None, seq=None, what=None, unanchored=(), lost=()):
    """The object that --json prints."""
    return {"verdict": name, "exit": code, "lane": lane, "seq": seq, "what": what, "unanchored": list(unanchored), "lost": list(lost)}


def sentence(found):
    """The verdict for a reader."""
    lost = ", ".join(found["lost"])
    gap = f" Nach einer Wiederherstellung fehlt, was bis Eintrag {lost} geschah." if lost else ""
    return judgement(found) + gap


def judgement(found):
    """The same without what is known to be lost."""
    if found["exit"] == 0:
        return "Unversehrt und verankert."
    if found["exit"] == 6:
        places = ", ".join(found["unanchored"])
        return f"Unversehrt, aber nicht verankert nach Eintrag {places}. Was danach abgeschnitten wurde, kann niemand sehen."
    return f"GEBROCHEN bei Eintrag {found['lane']}/{found['seq']}: {GERMAN[found['what']]}."


def read_lane(text):
    """The number of a lane."""
    if re.fullmatch(r"[1-9][0-9]{0,18}", text) is None:
        raise ValueError("a lane is a number from 1")
    return int(text)


def batch(folder):
    """One JSON line for each case of a folder: records.jsonl, checkpoints.jsonl, witness/, tenant, and live if there is one."""
    for case in sorted(path for path in folder.iterdir() if path.is_dir()):
        try:
            tenant, live = (case / "tenant").read_text("utf-8").strip(), case / "live"
            lane = read_lane(live.read_text("utf-8").strip()) if live.exists() else None
            found = verify(tenant, case / "records.jsonl", case / "checkpoints.jsonl", case / "witness", lane)
        except (Unusable, OSError, ValueError) as error:
            found = verdict("unusable", 2, what=str(error))
        print(json.dumps({"case": case.name} | found))
    return 0


def arguments():
    """What was asked for; ends the program with 2 where that cannot be done."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tenant")
    for name in ("records", "checkpoints", "witness", "batch"):
        parser.add_argument(f"--{name}", type=Path)
    parser.add_argument("--live", type=read_lane, metavar="LANE")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    if given.batch is None and None in (given.tenant, given.records, given.checkpoints, given.witness):
        parser.error("--tenant, --records, --checkpoints and --witness, or --batch")
    return given


def main():
    """Judges, says so, and returns the exit code."""
    given = arguments()
    try:
        if given.batch is not None:
            return batch(given.batch)
        found = verify(given.tenant, given.records, given.checkpoints, given.witness, given.live)
    except (Unusable, OSError) as error:
        print(f"verify.py: {error}", file=sys.stderr)
        return 2
    print(json.dumps(found) if given.json else sentence(found))
    return found["exit"]


if __name__ == "__main__":
    sys.exit(main())

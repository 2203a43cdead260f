"""The sentences of a dossier in English."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

WORDS: Final[Mapping[str, str]] = {
    "fails": "This evidence does not verify: {problems} problems were found. They are listed below.",
    "gaps": "The log itself says that records were lost: {gaps} gap records in this period.",
    "nothing": "No request in the name of {operator} is recorded in this period.",
    "only_impostors": (
        "All recorded requests in the name of {operator} were contradicted: they came from others, and "
        "nothing here speaks against {operator}."
    ),
    "only_described": (
        "No request was signed by {operator} or came from its published network. What is recorded only "
        "described itself as {operator}; whose it was is not established."
    ),
    "attributed": (
        "{requested} requests were signed with a key of {operator} or came from its published network; "
        "{refused} of them were refused, {delivered} were delivered."
    ),
    "described": (
        "{requested} further requests described themselves as {operator}; whose they were is not established."
    ),
    "impostors": (
        "{requested} requests bore the name of {operator} and were contradicted. They are not counted "
        "against {operator}."
    ),
    "works": "{works} distinct works were delivered to signed or verified requests.",
    "violations": (
        "{requests} signed or verified requests asked for what the robots.txt in force disallowed to them."
    ),
    "after_notice": "{requests} signed or verified requests came after notice was given.",
    "assurance.self-attested": (
        "Nobody outside has confirmed when these records existed; the owner of the log says so."
    ),
    "assurance.timestamped": "A time stamping authority has confirmed that the log existed at a time.",
    "assurance.witnessed": "A witness has confirmed when the log existed, and that it only grew.",
    "assurance.qualified": (
        "A time stamping authority that the owner calls qualified has confirmed that the log existed at a "
        "time."
    ),
    "grade.signed": "signed",
    "meaning.signed": "The request was signed with a key that {operator} publishes.",
    "grade.verified": "verified",
    "meaning.verified": (
        "The request came from an address that {operator} publishes as its own, or whose reverse DNS closes"
        " on a domain of {operator}."
    ),
    "grade.consistent": "consistent",
    "meaning.consistent": "The network fits {operator} and nothing contradicts it; it proves nothing.",
    "grade.claimed": "claimed",
    "meaning.claimed": "The request described itself as {operator}, and nothing more is known.",
    "grade.contradicted": "contradicted",
    "meaning.contradicted": (
        "The request bore the name of {operator}, but what could be checked says otherwise. It is not "
        "counted against {operator}."
    ),
    "grade.unknown": "unknown",
    "meaning.unknown": "The request described itself as {operator}; at that time it could not be checked.",
    "ex.impostors": "{requests} requests in the name of {operator} were contradicted and count for nobody.",
    "ex.described": (
        "{requests} requests only described themselves as {operator}; they are shown apart and never added."
    ),
    "ex.licensed": "{requests} requests fell under a permission by contract.",
    "ex.allowed": "{requests} signed or verified requests asked for what robots.txt allowed them.",
    "ex.fetched": "Requests in the name of {operator} fetched robots.txt {times} times.",
    "ex.nothing_delivered": (
        "{requests} requests took no work with them: HEAD, not modified, broken off, or another answer than"
        " a work."
    ),
    "ex.refused": "{requests} signed or verified requests were refused and got nothing.",
    "ex.nobody_came_back": "No signed or verified client asked again after it had been refused.",
    "ex.none": "Nothing of this kind is recorded.",
    "lim.true": (
        "The log shows that nothing was changed since it was sealed. It cannot show by itself that what was"
        " written was true: whoever keeps the log wrote it."
    ),
    "lim.unbounded": (
        "For {records} records of {operator} no time from outside bounds when they were written."
    ),
    "lim.gaps": "{gaps} gap records say that records were lost; how many, each of them says.",
    "lim.no_gaps": "No gap record falls into this period.",
    "lim.clocks": (
        "{faults} records say that the clock was set or not synchronised. Records are ordered by their "
        "place in the log, never by time."
    ),
    "lim.vantage": (
        "{requests} requests were judged for a proxy that asked: whether and what the site then sent was "
        "not seen by us."
    ),
    "lim.joined": "Of {requests} requests only a proxy's access log says how they ended.",
    "lim.unknown": "Of {requests} requests no end is recorded; they count as not delivered.",
    "lim.rollups": (
        "{requests} visits were counted without a record of their own. They are numbers by day, not "
        "provable one by one, and not recomputable from the enclosed records."
    ),
    "lim.rollups_left_out": "Records of such counts that also hold the counts of others are not enclosed.",
    "lim.unnamed": "{visits} visits were counted under no name; they may be anybody's.",
    "lim.imported": (
        "{lines} lines of old access logs bear the name of {operator}. They were imported later, are not "
        "contemporaneous, and stand in no other figure."
    ),
    "lim.cut": (
        "{records} records were too long to say who asked; they may be anybody's and are not enclosed."
    ),
    "lim.pruned": "{records} records at the beginning of the log were pruned; only their hashes are kept.",
    "lim.stale": (
        "{requests} requests could not be checked at their time, as lists were old or no answer came."
    ),
    "lim.unmatched": "{records} completions belong to no request that is enclosed.",
    "lim.shred": (
        "{times} times openings were destroyed: the addresses of those records can no longer be shown. The "
        "proofs hold without them."
    ),
    "lim.corrections": (
        "{records} enclosed records were corrected by later ones; the originals stand unchanged."
    ),
    "lim.others": (
        "Records of other clients are not enclosed. That nothing of {operator} was left out can be checked "
        "with the whole log only."
    ),
    "lim.given": (
        "Parties, titles, rights and the catalogue are said by whoever made this dossier; no record proves "
        "them."
    ),
    "lim.disclosures": "What the operator disclosed is taken from a file that was given; it is not checked.",
    "lim.addresses": "No network address is enclosed: records hold commitments and pseudonyms of a month.",
    "lim.terms": (
        "The terms that records name are enclosed whole, with the names of licensees if terms hold any."
    ),
    "sys.log": (
        "Each record is one line of JSON. Its bytes are hashed (SHA-256) into a Merkle tree (RFC 6962) "
        "whose root is signed with Ed25519 (C2SP tlog-tiles, signed note); origin {origin}."
    ),
    "sys.before": (
        "The record of an answer to an AI crawler is on disk before the first byte of the answer leaves; "
        "how the answer ended follows in a record of its own."
    ),
    "sys.chain": (
        "Each writer numbers its records and names the hash of the one before; what is lost leaves a gap "
        "that a record must explain, or the verifiers fail."
    ),
    "sys.identity": (
        "Who asked is established from published address lists, reverse DNS or signatures; each record says"
        " on what it rests and how old that was."
    ),
    "sys.delivered": (
        "Delivered means: handed to the server whole, with a body. HEAD, 304, refusals and broken transfers"
        " deliver nothing."
    ),
    "sys.reproduce": (
        "The same question on the same checkpoint gives the same bytes; the last command below asks it."
    ),
    "ver.sums": "Compare every file with the list.",
    "ver.script": (
        "Check signature, tree, every record, objects and time stamps with the enclosed script. Take the "
        "key from elsewhere than this folder."
    ),
    "ver.figures": "Compute every figure again from the enclosed records.",
    "ver.again": "Whoever holds the log can make this dossier again, to the same bytes.",
    "us.not_in_catalogue": "no catalogue entry",
    "us.no_right": "no right stated",
    "us.no_basis": "no basis of the right stated",
    "us.mandate_only": "a mandate only: no owner or exclusive licensee stated",
    "us.not_for_us": "no right for the United States stated",
    "us.no_us_registration": "no registration with the U.S. Copyright Office stated",
    "us.no_us_registration_date": "no date of registration stated",
    "us.us_registered_after_first_request": "registered after the first recorded request",
}

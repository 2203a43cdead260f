"""The sentences of a dossier in English."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

WORDS: Final[Mapping[str, str]] = {
    "fails": "This evidence does not verify. Problems found: {problems}. They are listed under verification.",
    "gaps": "The log itself says that records were lost. Gap records in this period: {gaps}.",
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
        "Requests signed with a key of {operator} or from its published network: {requested}, of which "
        "{refused} refused and {delivered} delivered."
    ),
    "described": (
        "Requests that only described themselves as {operator}: {requested}. Whose they were is not "
        "established."
    ),
    "impostors": (
        "Requests that bore the name of {operator} and were contradicted: {requested}. They are not counted"
        " against {operator}."
    ),
    "works": "Distinct works delivered to signed or verified requests: {works}.",
    "earlier_log": (
        "This log follows another one of {records} records under another key: ask that one too. Nothing of "
        "it is counted here."
    ),
    "pruned": "Records at the beginning of the log that were pruned and are not counted: {records}.",
    "violations": (
        "Signed or verified requests for what the robots.txt in force disallowed to them: {requests}."
    ),
    "after_notice": "Signed or verified requests after notice was given: {requests}.",
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
    "ex.impostors": (
        "Requests in the name of {operator} that were contradicted: {requests}. They count for nobody."
    ),
    "ex.described": (
        "Requests that only described themselves as {operator}: {requests}. They are shown apart and never "
        "added."
    ),
    "ex.licensed": "Requests under a permission by contract: {requests}.",
    "ex.allowed": "Signed or verified requests for what robots.txt allowed them: {requests}.",
    "ex.excused": (
        "Signed or verified requests for what the robots.txt in force disallowed, while the version that "
        "their crawler had fetched last allowed it or is not known: {requests}. They are not counted as "
        "against robots.txt."
    ),
    "ex.fetched": "Fetches of robots.txt in the name of {operator}: {times}.",
    "ex.nothing_delivered": (
        "Signed or verified requests that took no work with them (HEAD, not modified, broken off, another "
        "answer, or no recorded end): {requests}."
    ),
    "ex.refused": "Signed or verified requests that were refused and got nothing: {requests}.",
    "ex.nobody_came_back": "No signed or verified client asked again after it had been refused.",
    "ex.none": "Nothing of this kind is recorded.",
    "lim.true": (
        "The log shows that nothing was changed since it was sealed. It cannot show by itself that what was"
        " written was true: whoever keeps the log wrote it."
    ),
    "lim.unbounded": (
        "Records of {operator} for which no time from outside bounds when they were written: {records}."
    ),
    "lim.gaps": "Gap records, which say that records were lost and how many: {gaps}.",
    "lim.no_gaps": "No gap record falls into this period.",
    "lim.clocks": (
        "Records that say that the clock was set or not synchronised: {faults}. Records are ordered by "
        "their place in the log, never by time."
    ),
    "lim.vantage": (
        "Requests that were judged for a proxy that asked: {requests}. Whether and what the site then sent "
        "was not seen by us."
    ),
    "lim.joined": "Requests of which only a proxy's access log says how they ended: {requests}.",
    "lim.unknown": "Requests of which no end is recorded: {requests}. They count as not delivered.",
    "lim.rollups": (
        "Visits that were counted without a record of their own: {requests}. They are numbers by day, not "
        "provable one by one."
    ),
    "lim.rollups_left_out": (
        "Records of such counts that also hold the counts of others are not enclosed; those numbers cannot "
        "be computed again from this folder."
    ),
    "lim.unnamed": "Visits that were counted under no name: {visits}. They may be anybody's.",
    "lim.imported": (
        "Lines of old access logs that bear the name of {operator}: {lines}. They were imported later, are "
        "not contemporaneous, and stand in no other figure."
    ),
    "lim.cut": "Records too long to say who asked: {records}. They may be anybody's and are not enclosed.",
    "lim.pruned": (
        "Records at the beginning of the log that were pruned: {records}. Only their hashes are kept."
    ),
    "lim.stale": (
        "Requests that could not be checked at their time, as lists were old or no answer came: {requests}."
    ),
    "lim.unmatched": "Completions that belong to no enclosed request: {records}.",
    "lim.shred": (
        "Times that openings were destroyed: {times}. The addresses of those records can no longer be "
        "shown; the proofs hold without them."
    ),
    "lim.corrections": "Enclosed records that later ones correct: {records}. The originals stand unchanged.",
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

"""The words of the report. Plain text, no markup; `{}` takes what the name of the field says."""

from __future__ import annotations

from dataclasses import dataclass

from vorbehalt.claims.report.written import Written


@dataclass(frozen=True, slots=True)
class Words:
    """One language. Nouns after a number have two forms, singular and plural: `request|requests`."""

    code: str
    written: Written
    title: str
    """{} the month."""
    so_far: str
    """{} the day up to which was counted."""
    nothing: str
    pruned: str
    elsewhere: str
    not_there_yet: str
    broken: str
    """{} how many faults."""
    more_faults: str
    incomplete: str
    lead_none: str
    lead: str
    """{} requests established, {} refused of them, {} requests described, {} refused of them."""
    lead_given: str
    """{} delivered established, {} its size, {} delivered described, {} its size."""
    lead_nothing_given: str
    main: str
    established: str
    described: str
    figure: str
    requests: str
    refused: str
    delivered: str
    data: str
    works: str
    share: str
    against: str
    after: str
    after_delivered: str
    per_visitor: str
    rest: str
    verified: str
    impostors: str
    impostors_refused: str
    visitors: str
    search: str
    people: str
    clients: str
    clients_at_least: str
    letters: str
    overdue: str
    anchored: str
    of_days: str
    lost: str
    lost_unknown: str
    rolled: str
    not_recorded: str
    no_catalogue: str
    how_visitors: str
    no_visitors: str
    visitors_partial: str
    chart: str
    chart_delivered: str
    chart_refused: str
    chart_other: str
    footer: str
    """{} records, {} assurance."""
    footer_unverified: str
    assurances: tuple[tuple[str, str], ...]
    """What vouches for the log, by the word of the audit."""
    annex: str
    by_operator: str
    operator: str
    nameless: str
    crawlers: str
    ai: str
    other: str
    standing: str
    groups: tuple[str, str, str]
    short: tuple[str, str, str, str, str, str, str]
    """Heads of a narrow table, from the requests to those after notice."""
    posed: str
    posed_name: str
    sent_by: str
    sent: tuple[str, str, str, str, str]
    """Visitors, and twice: delivered, delivered per visitor."""
    outcomes: str
    outcome: str
    not_modified: str
    head: str
    broken_off: str
    other_answer: str
    unknown: str
    unfetched: str
    licensed: str
    cut: str
    unnamed: str
    open_letters: str
    letter: str
    kind: str
    sent_on: str
    due: str
    state: str
    not_sent: str
    kinds: tuple[tuple[str, str], ...]
    states: tuple[tuple[str, str], ...]
    top_works: str
    work: str
    times: str
    meaning: str
    meanings: tuple[str, ...]
    request_forms: str
    client_forms: str
    day_forms: str
    fault_forms: str
    gap_forms: str
    mail: str
    mail_annex: str
    value_title: str
    value_mark: str
    value_lead: str
    value_note: str
    value_item: str
    value_count: str
    value_price: str
    value_amount: str
    value_egress: str
    value_pages: str
    value_rate: str
    """{} the right or the kind of work, {} per what."""
    value_per: tuple[str, str]
    value_sum: str
    value_unpriced: str

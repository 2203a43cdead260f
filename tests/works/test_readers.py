"""Every form of a catalogue: the same works come out, and all that is wrong is named with its line."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vorbehalt.works.entry import Contributor, Right
from works_support import entries_of, flaws_of

HEAD = "path,id,title,right,share\n"


@pytest.mark.parametrize(
    "text",
    [
        "path,isrc,title\n/songs/1,DE-UM7-26-00001,Lampen am Kai\n",
        "\ufeffpath;isrc;title\r\n/songs/1;DEUM72600001;Lampen am Kai\r\n",
        "sep=;\npath;isrc;title\n/songs/1;DEUM72600001;Lampen am Kai\n",
        'Path\tISRC\tTitle\n"/songs/1"\tDEUM72600001\t"Lampen am Kai"',
        "path,isrc,title\n\n  ,,\n/songs/./1,isrc:DEUM72600001, Lampen am Kai \n".replace("isrc:", ""),
        "url,id,title\n/%73ongs//1,isrc:DEUM72600001,Lampen am Kai\n",
    ],
)
def test_csv_in_any_usual_dress_says_the_same(text: str) -> None:
    entries, notes = entries_of("works.csv", text)
    assert flaws_of(notes) == []
    assert [(e.work.ids, e.work.title, [p.path for p in e.places]) for e in entries] == [
        (("isrc:DEUM72600001",), "Lampen am Kai", ["/songs/1"])
    ]


def test_a_quoted_cell_may_hold_line_ends_and_the_lines_after_it_are_still_right() -> None:
    text = HEAD + '/a,own:1,"two\nlines, ""quoted""",,\n/b,issn:1,x,,\n/c,own:3,fine,,\n'
    entries, notes = entries_of("works.csv", text)
    assert [(e.line, e.work.title) for e in entries] == [(2, 'two\nlines, "quoted"'), (5, "fine")]
    assert flaws_of(notes) == ['4: "1" is no ISSN such as 0378-5955']


def test_a_row_says_all_that_is_known_of_a_right() -> None:
    head = (
        "path,isrc,contributors,kind,right,basis,territory,from,to,share,us_registration,us_registration_date"
    )
    row = (
        "/a,DEUM72600001,Okka [0000 0001 2103 2683]; Tern,song,recording,exclusive,DE;UK,2020-01-01,"
        '2030-12-31,"33,3",SR0000123456,2021-02-03'
    )
    (entry,), notes = entries_of("works.csv", f"{head}\n{row}\n")
    assert flaws_of(notes) == []
    assert entry.work.contributors == (Contributor("Okka", "0000000121032683"), Contributor("Tern"))
    assert entry.work.rights == (
        Right(
            "recording",
            "exclusive",
            ("DE", "GB"),
            "2020-01-01",
            "2030-12-31",
            3330,
            "SR0000123456",
            "2021-02-03",
        ),
    )


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("/a,,T,,", "the row has no id"),
        ("/a,isbn:9780306406158,,,", "it would be 7, not 8"),
        ("a/b,own:1,,,", "is neither a path that begins with / nor a URL"),
        ("ftp://x/y,own:1,,,", "is neither a path that begins with / nor a URL"),
        ("https://[::1/y,own:1,,,", "is no URL"),
        ("/a?x=1,own:1,,,", "holds a query or fragment"),
        ("/a,own:1,,melody,", 'right cannot be "melody"'),
        ("/a,own:1,,lyrics,0", 'share "0" is no percentage'),
        ("/a,own:1,,lyrics,100.01", 'share "100.01" is no percentage'),
        ("/a,own:1,,,50", "but not of which"),
        ("/a,own:1,x", "the row has 3 cells, the first row has 5"),
        (f"/a,own:1,{'x' * 501},,", "title is longer than 500 characters"),
        ("/a,own:1,a\x00b,,", "holds a NUL character"),
        ('/a,own:1,"open,,\n/b,own:2,,,\n', "a quotation mark opens a cell that is never closed"),
        (f"/a,own:1,{'x' * 1024 * 1024},,", "the line is longer than 1024 KiB"),
    ],
)
def test_what_is_wrong_with_a_row_is_said(row: str, says: str) -> None:
    entries, notes = entries_of("works.csv", f"{HEAD}/ok,own:0,,,\n{row}\n")
    assert says in " ".join(flaws_of(notes))
    assert [entry.work.id for entry in entries] == ["own:0"]


def test_all_that_is_wrong_is_named_at_once() -> None:
    _, notes = entries_of("works.csv", HEAD + "a,isbn:1,,melody,7\n" + "/b,,,,\n")
    assert [flaw.partition(": ")[0] for flaw in flaws_of(notes)] == ["2", "2", "2", "3"]


def test_of_very_many_flaws_the_rest_is_counted() -> None:
    _, notes = entries_of("works.csv", HEAD + "/b,,,,\n" * 1000)
    assert (len(notes.flaws), notes.flawed) == (200, 1000)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "1: the file is empty"),
        ("path,id\n/a,own:1\n".encode("utf-16"), "1: the file is UTF-16"),
        (b"path,id\n/a,own:1\n/b,own:L\xf6ffel\n", "3: the line is not UTF-8"),
        (b"a,b\n1,2\n", "1: the first row names no column that is known"),
        (b"path,id,ID\n/a,own:1,own:2\n", "1: two columns are called 'id'"),
        (b"path,id\r/a,own:1\r", "1: a line ends in a lone carriage return"),
    ],
)
def test_a_file_that_is_no_csv_of_ours_is_refused_with_a_sentence(body: bytes, says: str) -> None:
    _, notes = entries_of("works.csv", body)
    assert says in " ".join(flaws_of(notes))


def test_a_column_that_is_not_used_is_remarked() -> None:
    entries, notes = entries_of("works.csv", "path,id,mood\n/a,own:1,blue\n")
    assert len(entries) == 1
    assert [(r.line, r.message[:29]) for r in notes.remarks] == [(1, "the column 'mood' is not used")]


WORK = {"paths": ["/a", "/b"], "id": "own:1", "title": "T", "contributors": [{"name": "N"}, "M"],
        "rights": [{"right": "lyrics", "share": 50},
                   {"right": "composition", "territory": ["DE"]}]}  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        json.dumps([WORK]),
        json.dumps({"works": [WORK]}, indent=1),
        "\ufeff" + json.dumps(WORK) + "\n",
    ],
)
def test_json_in_its_three_forms_says_the_same(text: str) -> None:
    (entry,), notes = entries_of("works.json", text)
    assert flaws_of(notes) == []
    assert [place.path for place in entry.places] == ["/a", "/b"]
    assert entry.work.contributors == (Contributor("N"), Contributor("M"))
    assert entry.work.rights == (Right("lyrics", share=5000), Right("composition", territory=("DE",)))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[\n{"id": "own:1"},\n{"id": }]', "3: the file is no JSON from here on"),
        ('[\n{"id": "own:1"}\n{"id": "own:2"}]', "3: a comma or ] is missing"),
        ('[{"id": "own:1"}', "1: a comma or ] is missing"),
        ('[{"id": "own:1"}] x', "1: something else follows the works"),
        ("[\n7]", "2: a work must be an object"),
        ('[\n\n{"id": "own:1", "rights": 7}]', "3: rights must be a list of objects"),
        ('[{"id": {"a": 1}}]', "1: id must be a text"),
        ('[{"id": "isbn:1", "path": "/a"}]', "1: "),
        ("[" * 100_000, "1: the file is no JSON"),
        (b"[\xff]", "1: the file is not UTF-8"),
    ],
)
def test_what_is_wrong_with_json_is_said_with_its_line(text: str | bytes, says: str) -> None:
    _, notes = entries_of("works.json", text)
    assert any(flaw.startswith(says) for flaw in flaws_of(notes)), flaws_of(notes)


SITEMAP = """<?xml version="1.0"?>
<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:image="http://www.google.com/x">
<url><loc>https://label.example/lyrics/7</loc><image:image>
<image:title>A &amp; B</image:title></image:image></url>
<url><loc>https://label.example/about</loc></url>
<url><loc>nonsense</loc></url>
</urlset>"""


def test_a_sitemap_gives_the_pages_that_a_pattern_knows_and_counts_the_others() -> None:
    entries, notes = entries_of("sitemap.xml", SITEMAP, "/lyrics/{id}")
    assert [(e.work.id, e.work.title, e.places[0].host, e.places[0].path) for e in entries] == [
        ("own:7", "A & B", "label.example", "/lyrics/7")
    ]
    assert flaws_of(notes) == ["6: loc 'nonsense' is neither a path that begins with / nor a URL"]
    assert [r.message for r in notes.remarks] == ["1 pages of the sitemap have the form of no pattern"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('<!DOCTYPE a [<!ENTITY b "c">]><urlset/>', "1: a sitemap has no DOCTYPE"),
        ("<sitemapindex/>", "1: the document is a sitemapindex, no urlset; name the sitemaps that it lists"),
        ("<urlset>\n<url>", "2: the file is no XML from here on"),
        ("<urlset>" + "<a>" * 40, "1: the document is nested too deeply"),
    ],
)
def test_xml_that_is_no_sitemap_is_refused(text: str, says: str) -> None:
    _, notes = entries_of("sitemap.xml", text, "/lyrics/{id}")
    assert flaws_of(notes)[0].startswith(says)


def test_a_page_describes_its_works_itself() -> None:
    things = {"@graph": [
        {"@type": "MusicRecording", "isrcCode": "DEUM72600001", "name": "Lampen", "byArtist": {"name": "Okka"}},  # noqa: E501
        {"@type": ["Book"], "isbn": "0-306-40615-2", "url": "https://label.example/books/1#top"},
        {"@type": "ScholarlyArticle", "identifier": {"propertyID": "doi", "value": "10.1000/182"}},
        {"@type": "Article", "headline": "No id"},
        {"@type": "Person", "name": "Nobody's work"},
    ]}  # fmt: skip
    page = (
        '<html><head><link rel="canonical" href="https://label.example/songs/1">\n'
        f'<script type="application/ld+json">{json.dumps(things)}</script>\n'
        '<script type="application/ld+json">{broken</script></head>'
    )
    entries, notes = entries_of("page.html", page, address="/x")
    assert [(e.work.id, e.work.title, e.places[0].path) for e in entries] == [
        ("isrc:DEUM72600001", "Lampen", "/songs/1"),
        ("isbn:9780306406157", "", "/books/1"),
        ("doi:10.1000/182", "", "/songs/1"),
    ]
    assert entries[0].work.contributors == (Contributor("Okka"),)
    assert [right.right for right in entries[0].work.rights] == ["recording"]
    assert flaws_of(notes) == ["3: the JSON-LD of the page is no JSON"]
    assert [r.message for r in notes.remarks] == [
        "a Article has no ISRC, ISWC, ISBN, ISSN or DOI and is left out: 'No id'"
    ]


@given(st.sampled_from(["a.csv", "a.json", "a.xml", "a.html"]), st.one_of(st.binary(), st.text()))
def test_whatever_a_file_holds_it_is_read_or_named(name: str, body: str | bytes) -> None:
    if isinstance(body, str):
        body = body.encode("utf-8", "surrogatepass")
    entries, notes = entries_of(name, body, "/{id}")
    for entry in entries:
        assert entry.work.ids
        assert all(place.path.startswith("/") for place in entry.places)
    assert all(flaw.message.isprintable() for flaw in (*notes.flaws, *notes.remarks))

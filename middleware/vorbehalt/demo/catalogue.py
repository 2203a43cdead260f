"""The demo label: invented artists, songs and lyrics. Any likeness to a real artist or work is chance."""

from __future__ import annotations

from dataclasses import dataclass

LABEL = "Mondkalk Tonträger"
MOTTO = "Songs for long windows and short winters."
PLACE = "A label that does not exist, for a demonstration that does."


@dataclass(frozen=True, slots=True)
class Artist:
    """An invented artist. `hue` is the colour of the covers, in degrees."""

    slug: str
    name: str
    hue: int
    about: str


@dataclass(frozen=True, slots=True)
class Song:
    """An invented song. `melody` is in half steps above A3, one note a beat; None is a rest."""

    number: int
    title: str
    artist: Artist
    language: str
    year: int
    isrc: str
    tempo: int
    melody: tuple[int | None, ...]
    lyrics: str


OKKA = Artist(
    "okka-feuersteen",
    "Okka Feuersteen",
    18,
    "Sings in two languages about harbours, tills and other places where people wait. Plays a harmonium with "
    "eleven working keys.",
)
TALLOW = Artist(
    "tern-and-tallow",
    "Tern & Tallow",
    204,
    "Two cousins, one kitchen, no drummer. Their second record was made in the hours before the bakery "
    "opened.",
)
KUPFER = Artist(
    "kapelle-kupferdraht",
    "Kapelle Kupferdraht",
    96,
    "Seven wind players from a town with one roundabout. They rehearse in it when the weather holds.",
)
ARTISTS = (OKKA, TALLOW, KUPFER)

SONGS = (
    Song(
        1,
        "Lampen am Kai",
        OKKA,
        "de",
        2021,
        "XX-MK0-21-00001",
        92,
        (0, 3, 7, 8, 7, 3, 0, None, 2, 5, 8, 10, 8, 5, 3, 0),
        """Die Lampen am Kai zählen heimlich die Schritte,
sie kommen bis sieben, dann geht einer heim.
Ich steh mit zwei Broten genau in der Mitte
und warte auf dich und den Nieselregenreim.

    Leg ab, leg an,
    das Wasser kann,
    was ich nicht kann:
    es bleibt und geht.

Der Kran hebt das Blau von der Nacht ein Stück höher,
ein Hund trägt die Zeitung von gestern vorbei.
Du kamst mit der Fähre, ich kam etwas früher,
wir teilen das Brot und die Lampen am Kai.""",
    ),
    Song(
        2,
        "The Till Keeps Quiet",
        OKKA,
        "en",
        2022,
        "XX-MK0-22-00002",
        104,
        (7, 5, 3, 0, 3, 5, 7, 7, 10, 8, 7, 5, 3, 2, 0, None),
        """You paid for the apples in coins from your coat,
one button, one stamp and a ferry-ride note.
The till kept quiet, and so did I:
there's change that you give and there's change you let lie.

    Oh, round it up, round it down,
    there's a penny for each lamp in town.
    If I owe you an hour, then come by at four,
    I'll pay it in steps from the chair to the door.

The rain did the windows, the radio slept,
I counted the things that the counter had kept:
a glove and a list and a crossed-out name.
You came for the apples. You came all the same.""",
    ),
    Song(
        3,
        "Before the Bakery",
        TALLOW,
        "en",
        2023,
        "XX-MK0-23-00003",
        120,
        (0, 4, 7, 12, 11, 7, 4, 0, 2, 5, 9, 14, 12, 9, 5, 2),
        """Four in the morning, the street has no corners,
the cat runs the council, the moon takes the minutes.
We tune to the hum of the bakery's freezer
and sing to the flour till somebody's in it.

    Rise, rise, whatever you are,
    a loaf or a cousin, a bus or a star.
    We've one song in order and three in the air
    and crumbs in the strings of the second-best guitar.

Five in the morning, the shutters start coughing,
the first bus arrives with its lights full of sleepers.
We pack up the kitchen, we leave you the chorus:
it's warm by the oven, it's yours, but we're keepers.""",
    ),
    Song(
        4,
        "Salt for the Ladder",
        TALLOW,
        "en",
        2023,
        "XX-MK0-23-00004",
        84,
        (9, 7, 5, 4, 5, 7, 9, None, 9, 10, 12, 10, 9, 7, 5, 4),
        """My aunt put salt on the ladder each winter,
on seven of rungs, and she never said why.
The eighth was for guessing, the ninth was for splinters,
the tenth had a view of the washing, and sky.

    Hold it at the bottom, love,
    I'll tell you what I see:
    a field that thinks it is a sea,
    a gate that thinks it's free.

My aunt left the ladder to me and my cousin,
he took all the even, I kept all the odd.
We climb it together on Sundays, by arrangement,
and wave to the town with the salt that we've got.""",
    ),
    Song(
        5,
        "Kreisverkehr",
        KUPFER,
        "de",
        2024,
        "XX-MK0-24-00005",
        132,
        (0, 0, 7, 7, 9, 9, 7, None, 5, 5, 4, 4, 2, 2, 0, None),
        """Einmal herum, und die Tuba will raus,
zweimal herum, und wir sehen das Haus,
dreimal herum, und der Bäcker macht zu,
viermal herum, und im Gras liegst du.

    Wer hat hier Vorfahrt? Der Mond, der Mond,
    der ist's von allen am längsten gewohnt.
    Wer hat geblinkt? Ein Glühwürmchen nur.
    Wir spielen im Kreis, und der Kreis spielt in Dur.

Fünfmal herum, und die Probe ist aus,
das Blech ist noch warm und die Stadt trägt Applaus.
Sechsmal herum, denn wir finden nicht heim:
es reimt sich kein Weg, und wir blasen den Reim.""",
    ),
    Song(
        6,
        "Löffelmusik",
        KUPFER,
        "de",
        2024,
        "XX-MK0-24-00006",
        108,
        (4, 7, 4, 7, 9, 7, 4, 2, 0, 2, 4, 7, 5, 4, 2, 0),
        """Der Löffel sagt Ping, und der Topf sagt dazu,
was Töpfe so sagen: nicht viel, aber Mu.
Die Oma dreht leiser das Fensterlicht an
und sucht, wo die Suppe den Auftakt gewann.

    Ping, mein Herz, und Mu, mein Dach,
    heut wird die ganze Küche wach.
    Der Deckel hüpft, die Kelle lenkt,
    und keiner weiß, was Suppe denkt.

Wer mitspielen möchte, der bringe sich mit,
ein Sieb oder Eimer genügt für den Schritt.
Und wenn sie uns fragen, wo lernt man denn das:
bei Ping, sagt die Oma, und Mu macht den Bass.""",
    ),
)

PRESS = (
    (
        "2024-09-13",
        "Kapelle Kupferdraht play the roundabout",
        "The new record was taped in one evening, with traffic.",
    ),
    (
        "2023-11-02",
        "Tern & Tallow: Before the Bakery",
        "Ten songs, made between four and six in the morning.",
    ),
    ("2022-03-18", "Okka Feuersteen counts change", "A song about a till that kept quiet, out today."),
)


def song(number: int) -> Song | None:
    """Return a song by its number."""
    return next((found for found in SONGS if found.number == number), None)


def artist(slug: str) -> Artist | None:
    """Return an artist by the name in the address."""
    return next((found for found in ARTISTS if found.slug == slug), None)

"""The page for people in German."""

from __future__ import annotations

from vorbehalt.reservation.page.words import PageWords

GERMAN = PageWords(
    language="Deutsch",
    languages="Sprachen",
    title="Nutzung dieser Website durch KI-Systeme und für Text und Data Mining",
    declaration="Was vorbehalten ist und von wem",
    declared="Alle Rechte an folgenden Nutzungen dieser Website sind ausdrücklich vorbehalten:",
    declared_rest="Alle Rechte an folgenden Nutzungen dieser Website sind ausdrücklich vorbehalten, soweit"
    " diese Seite für einen Bereich nichts anderes sagt:",
    declared_parts="Für die Website im Ganzen ist nichts vorbehalten. Für die unten genannten Bereiche sind"
    " die als „vorbehalten“ bezeichneten Nutzungen ausdrücklich vorbehalten.",
    declared_by="Den Vorbehalt erklärt {}.",
    declared_nothing="Über das Gesetz hinaus ist auf dieser Website nichts vorbehalten.",
    parts="Die Nutzungen im Einzelnen",
    whole_site="Die ganze Website",
    rest_of_site="Der übrige Teil der Website",
    part="Der Bereich „{}“",
    count_of_parts="{} Bereiche mit denselben Bedingungen",
    patterns="Ein Bereich umfasst jede Adresse dieser Website, die so beginnt wie angegeben; * steht für"
    " beliebige Zeichen, $ für das Ende der Adresse. Wo zwei Bereiche zusammentreffen, gilt die längere"
    " Angabe.",
    only_for="Nur für diese Arten von Dateien:",
    audio="Audio",
    video="Video",
    image="Bilder",
    works="Werke:",
    rightsholder="Rechteinhaber:",
    use="Nutzung",
    stance="Erklärt",
    search="Indexierung für eine Suche, die auf diese Website verweist",
    ai_input="Eingabe in KI-Systeme bei der Beantwortung (Retrieval, Grounding, Zusammen\u00adfassungen)",
    training="Training von KI-Modellen",
    tdm="Text und Data Mining insgesamt",
    reserved="vorbehalten",
    open="offen",
    except_training="außer für das Training von KI-Modellen",
    except_ai_input="außer für die Eingabe in KI-Systeme",
    allow="Was „offen“ und „allow“ nicht bedeuten",
    allow_is_no_consent="Dass eine Seite ausgeliefert wird oder die robots.txt einen Crawler zulässt, ist"
    " keine Lizenz und keine Einwilligung in eine vorbehaltene Nutzung.",
    open_is_no_licence="„Offen“ heißt, dass für diese Nutzung kein Vorbehalt erklärt ist. Auch das ist keine"
    " Lizenz: Erlaubt ist, was das Gesetz erlaubt; alles andere bedarf der Erlaubnis.",
    contracts="Nutzungen aufgrund eines Vertrags oder einer schriftlichen Erlaubnis sind eine andere Sache:"
    " Es gilt, was dort vereinbart ist.",
    contacts="Wen man fragt",
    ask_before="Vor einer vorbehaltenen Nutzung ist die Erlaubnis einzuholen.",
    ask="Fragen und Bitten um Erlaubnis:",
    ask_licence="Lizenzanfragen:",
    ask_nobody="Es ist keine Kontaktadresse angegeben.",
    own_terms="Die vollständigen Bedingungen dieser Website:",
    readers="Wenn Sie diese Website lesen",
    readers_may="Diese Seite handelt von automatisierter Nutzung. Für Menschen ändert sich nichts: Sie"
    " dürfen diese Website lesen, auf sie verlinken, aus ihr zitieren und sie auch sonst nutzen, wie es das"
    " Gesetz erlaubt.",
    legal_basis="Rechtsgrundlage",
    legal_mining="Soweit eine vorbehaltene Nutzung Text und Data Mining ist, wird der Nutzungsvorbehalt nach"
    " Artikel 4 Absatz 3 der Richtlinie (EU) 2019/790 erklärt: in Deutschland nach § 44b Absatz 3 UrhG, in"
    " Frankreich nach Artikel L. 122-5-3, III des Code de la propriété intellectuelle. Er wird in"
    " maschinenlesbarer Form erklärt; diese Seite sagt dasselbe in Worten.",
    legal_other="Soweit eine vorbehaltene Nutzung etwas anderes ist, bedarf sie der Erlaubnis, soweit"
    " Urheberrecht, verwandte Schutzrechte oder das Recht des Datenbankherstellers dem Rechteinhaber ein"
    " ausschließliches Recht geben.",
    legal_research="Ein Vorbehalt berührt weder Text und Data Mining für Zwecke der wissenschaftlichen"
    " Forschung nach Artikel 3 der Richtlinie (§ 60d UrhG, Artikel L. 122-5-3, II des Code de la propriété"
    " intellectuelle) noch die übrigen Ausnahmen des Gesetzes.",
    legal_nothing="Ein Nutzungsvorbehalt nach Artikel 4 Absatz 3 der Richtlinie (EU) 2019/790 und § 44b"
    " Absatz 3 UrhG wird hier nicht erklärt. Urheberrecht, verwandte Schutzrechte und das Recht des"
    " Datenbankherstellers bleiben bei denen, die sie innehaben.",
    machines="Für Maschinen",
    machines_same="Dieselben Bedingungen stehen in den Formen, die Maschinen lesen. Sie alle und diese Seite"
    " werden aus denselben Angaben erzeugt.",
    machines_stricter="Wo eine solche Form eine Unterscheidung dieser Seite nicht ausdrücken kann, nennt sie"
    " den strengeren Wert.",
    robots="Regeln für Crawler (robots.txt):",
    tdmrep="Nutzungsvorbehalt (TDMRep):",
    tdm_policy="Nutzungsbedingungen (ODRL):",
    rsl="Lizenzbedingungen (RSL):",
    header_fields="Mit jeder Antwort dieser Website die Header-Felder",
    this_page="Adresse dieser Seite:",
)

"""The sentences of a dossier in German."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

WORDS: Final[Mapping[str, str]] = {
    "fails": (
        "Diese Belege halten der Prüfung nicht stand. Gefundene Mängel: {problems}. Sie sind unter Prüfung "
        "genannt."
    ),
    "gaps": (
        "Das Protokoll sagt selbst, dass Aufzeichnungen verloren gingen. Lückenvermerke in diesem Zeitraum:"
        " {gaps}."
    ),
    "nothing": "In diesem Zeitraum ist keine Anfrage unter dem Namen {operator} aufgezeichnet.",
    "only_impostors": (
        "Alle Anfragen unter dem Namen {operator} wurden widerlegt: Sie kamen von anderen, und nichts hier "
        "spricht gegen {operator}."
    ),
    "only_described": (
        "Keine Anfrage war von {operator} signiert oder kam aus dessen veröffentlichtem Netz. Was "
        "aufgezeichnet ist, bezeichnete sich nur selbst als {operator}; von wem es kam, steht nicht fest."
    ),
    "attributed": (
        "Anfragen, die mit einem Schlüssel von {operator} signiert waren oder aus dessen veröffentlichtem "
        "Netz kamen: {requested}, davon {refused} abgelehnt und {delivered} ausgeliefert."
    ),
    "described": (
        "Anfragen, die sich nur selbst als {operator} bezeichneten: {requested}. Von wem sie kamen, steht "
        "nicht fest."
    ),
    "impostors": (
        "Anfragen, die den Namen {operator} trugen und widerlegt wurden: {requested}. Sie zählen nicht "
        "gegen {operator}."
    ),
    "works": "Verschiedene Werke, die an signierte oder geprüfte Anfragen ausgeliefert wurden: {works}.",
    "earlier_log": (
        "Dieses Protokoll folgt auf ein anderes mit {records} Aufzeichnungen unter anderem Schlüssel: Auch "
        "dieses ist zu befragen. Nichts davon ist hier mitgezählt."
    ),
    "pruned": "Gelöschte Aufzeichnungen am Anfang des Protokolls, die nicht mitgezählt sind: {records}.",
    "violations": (
        "Signierte oder geprüfte Anfragen nach dem, was die geltende robots.txt ihnen nicht erlaubte: "
        "{requests}."
    ),
    "after_notice": "Signierte oder geprüfte Anfragen nach dem Hinweisschreiben: {requests}.",
    "assurance.self-attested": (
        "Niemand Außenstehendes hat bestätigt, wann diese Aufzeichnungen bestanden; das sagt, wer das "
        "Protokoll führt."
    ),
    "assurance.timestamped": "Ein Zeitstempeldienst hat bestätigt, dass das Protokoll zu einer Zeit bestand.",
    "assurance.witnessed": (
        "Ein Zeuge hat bestätigt, wann das Protokoll bestand und dass es nur gewachsen ist."
    ),
    "assurance.qualified": (
        "Ein Zeitstempeldienst, den der Betreiber der Seite als qualifiziert bezeichnet, hat bestätigt, "
        "dass das Protokoll zu einer Zeit bestand."
    ),
    "grade.signed": "signiert",
    "meaning.signed": "Die Anfrage war mit einem Schlüssel signiert, den {operator} veröffentlicht.",
    "grade.verified": "geprüft",
    "meaning.verified": (
        "Die Anfrage kam von einer Adresse, die {operator} als eigene veröffentlicht oder deren Reverse-DNS"
        " sich auf einer Domain von {operator} schließt."
    ),
    "grade.consistent": "vereinbar",
    "meaning.consistent": "Das Netz passt zu {operator}, und nichts widerspricht; bewiesen ist damit nichts.",
    "grade.claimed": "behauptet",
    "meaning.claimed": "Die Anfrage bezeichnete sich selbst als {operator}; mehr ist nicht bekannt.",
    "grade.contradicted": "widerlegt",
    "meaning.contradicted": (
        "Die Anfrage trug den Namen {operator}, aber was geprüft werden konnte, spricht dagegen. Sie zählt "
        "nicht gegen {operator}."
    ),
    "grade.unknown": "ungeklärt",
    "meaning.unknown": (
        "Die Anfrage bezeichnete sich selbst als {operator}; zu ihrer Zeit war das nicht zu prüfen."
    ),
    "ex.impostors": (
        "Anfragen unter dem Namen {operator}, die widerlegt wurden: {requests}. Sie zählen für niemanden."
    ),
    "ex.described": (
        "Anfragen, die sich nur selbst als {operator} bezeichneten: {requests}. Sie stehen für sich und "
        "werden nie hinzugezählt."
    ),
    "ex.licensed": "Anfragen unter einer vertraglichen Erlaubnis: {requests}.",
    "ex.allowed": "Signierte oder geprüfte Anfragen nach dem, was robots.txt ihnen erlaubte: {requests}.",
    "ex.excused": (
        "Signierte oder geprüfte Anfragen nach dem, was die geltende robots.txt verbot, während die zuletzt "
        "abgerufene Fassung es ihrem Crawler erlaubte oder nicht bekannt ist: {requests}. Sie zählen nicht "
        "als gegen robots.txt."
    ),
    "ex.fetched": "Abrufe der robots.txt unter dem Namen {operator}: {times}.",
    "ex.nothing_delivered": (
        "Signierte oder geprüfte Anfragen, die kein Werk mitnahmen (HEAD, unverändert, abgebrochen, andere "
        "Antwort oder kein aufgezeichnetes Ende): {requests}."
    ),
    "ex.refused": "Signierte oder geprüfte Anfragen, die abgelehnt wurden und nichts erhielten: {requests}.",
    "ex.nobody_came_back": "Kein signierter oder geprüfter Client fragte nach einer Ablehnung erneut.",
    "ex.none": "Nichts dergleichen ist aufgezeichnet.",
    "lim.true": (
        "Das Protokoll zeigt, dass seit dem Versiegeln nichts geändert wurde. Dass das Geschriebene wahr "
        "war, kann es allein nicht zeigen: Geschrieben hat es, wer es führt."
    ),
    "lim.unbounded": (
        "Aufzeichnungen von {operator}, für die keine Zeit von außen begrenzt, wann sie entstanden: "
        "{records}."
    ),
    "lim.gaps": "Lückenvermerke, die sagen, dass und wie viele Aufzeichnungen verloren gingen: {gaps}.",
    "lim.no_gaps": "In diesen Zeitraum fällt kein Lückenvermerk.",
    "lim.clocks": (
        "Vermerke, dass die Uhr gestellt wurde oder nicht abgeglichen war: {faults}. Geordnet wird nach dem"
        " Platz im Protokoll, nie nach der Zeit."
    ),
    "lim.vantage": (
        "Anfragen, die für einen fragenden Proxy beurteilt wurden: {requests}. Ob und was die Seite dann "
        "sandte, haben wir nicht gesehen."
    ),
    "lim.joined": (
        "Anfragen, von denen nur das Zugriffsprotokoll eines Proxys sagt, wie sie endeten: {requests}."
    ),
    "lim.unknown": (
        "Anfragen, von denen kein Ende aufgezeichnet ist: {requests}. Sie gelten als nicht ausgeliefert."
    ),
    "lim.rollups": (
        "Besuche, die ohne eigene Aufzeichnung gezählt wurden: {requests}. Es sind Zahlen nach Tagen, nicht"
        " einzeln beweisbar."
    ),
    "lim.rollups_left_out": (
        "Aufzeichnungen solcher Zählungen, die auch die anderer enthalten, sind nicht beigefügt; diese "
        "Zahlen lassen sich aus diesem Ordner nicht nachrechnen."
    ),
    "lim.unnamed": "Besuche, die unter keinem Namen gezählt wurden: {visits}. Sie können von jedem sein.",
    "lim.imported": (
        "Zeilen alter Zugriffsprotokolle, die den Namen {operator} tragen: {lines}. Sie wurden später "
        "eingelesen, sind nicht zeitgenössisch und stehen in keiner anderen Zahl."
    ),
    "lim.cut": (
        "Aufzeichnungen, die zu lang waren, um zu sagen, wer fragte: {records}. Sie können von jedem sein "
        "und sind nicht beigefügt."
    ),
    "lim.pruned": (
        "Gelöschte Aufzeichnungen am Anfang des Protokolls: {records}. Nur ihre Hashes sind erhalten."
    ),
    "lim.stale": (
        "Anfragen, die zu ihrer Zeit nicht zu prüfen waren, weil Listen alt waren oder keine Antwort kam: "
        "{requests}."
    ),
    "lim.unmatched": "Abschlüsse, die zu keiner beigefügten Anfrage gehören: {records}.",
    "lim.shred": (
        "Vernichtungen von Öffnungen: {times}. Die Adressen dieser Aufzeichnungen lassen sich nicht mehr "
        "zeigen; die Beweise halten ohne sie."
    ),
    "lim.corrections": (
        "Beigefügte Aufzeichnungen, die spätere berichtigen: {records}. Die ursprünglichen stehen "
        "unverändert."
    ),
    "lim.others": (
        "Aufzeichnungen anderer sind nicht beigefügt. Dass von {operator} nichts weggelassen wurde, lässt "
        "sich nur am ganzen Protokoll prüfen."
    ),
    "lim.given": (
        "Beteiligte, Titel, Rechte und Katalog nennt, wer dieses Dossier erstellt hat; keine Aufzeichnung "
        "beweist sie."
    ),
    "lim.disclosures": (
        "Was der Betreiber offengelegt hat, stammt aus einer übergebenen Datei und ist nicht geprüft."
    ),
    "lim.addresses": (
        "Keine Netzadresse ist beigefügt: Aufzeichnungen enthalten Festlegungen und Pseudonyme eines Monats."
    ),
    "sys.log": (
        "Jede Aufzeichnung ist eine Zeile JSON. Ihre Bytes gehen als SHA-256 in einen Merkle-Baum (RFC "
        "6962), dessen Wurzel mit Ed25519 signiert ist (C2SP tlog-tiles, signed note); Ursprung {origin}."
    ),
    "sys.before": (
        "Die Aufzeichnung einer Antwort an einen KI-Crawler ist auf der Platte, bevor das erste Byte der "
        "Antwort hinausgeht; wie sie endete, folgt in einer eigenen."
    ),
    "sys.chain": (
        "Jeder Schreiber nummeriert seine Aufzeichnungen und nennt den Hash der vorigen; was verloren geht,"
        " lässt eine Lücke, die ein Vermerk erklären muss, sonst schlagen die Prüfprogramme an."
    ),
    "sys.identity": (
        "Wer fragte, wird aus veröffentlichten Adresslisten, Reverse-DNS oder Signaturen ermittelt; jede "
        "Aufzeichnung sagt, worauf das beruht und wie alt es war."
    ),
    "sys.delivered": (
        "Ausgeliefert heißt: ganz an den Server übergeben, mit Inhalt. HEAD, 304, Ablehnungen und Abbrüche "
        "liefern nichts aus."
    ),
    "sys.reproduce": (
        "Dieselbe Frage an denselben Prüfpunkt ergibt dieselben Bytes; der letzte Befehl unten stellt sie."
    ),
    "ver.sums": "Jede Datei mit der Liste vergleichen.",
    "ver.script": (
        "Signatur, Baum, jede Aufzeichnung, Objekte und Zeitstempel mit dem beigefügten Programm prüfen. "
        "Den Schlüssel von anderswo nehmen als aus diesem Ordner."
    ),
    "ver.figures": "Jede Zahl aus den beigefügten Aufzeichnungen neu berechnen.",
    "ver.again": "Wer das Protokoll hat, kann dieses Dossier noch einmal erstellen, mit denselben Bytes.",
    "us.not_in_catalogue": "kein Eintrag im Katalog",
    "us.no_right": "kein Recht genannt",
    "us.no_basis": "keine Grundlage des Rechts genannt",
    "us.mandate_only": "nur ein Mandat: kein Inhaber oder ausschließlicher Lizenznehmer genannt",
    "us.not_for_us": "kein Recht für die Vereinigten Staaten genannt",
    "us.no_us_registration": "keine Registrierung beim U.S. Copyright Office genannt",
    "us.no_us_registration_date": "kein Datum der Registrierung genannt",
    "us.us_registered_after_first_request": "nach der ersten aufgezeichneten Anfrage registriert",
}

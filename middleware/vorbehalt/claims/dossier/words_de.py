"""The sentences of a dossier in German."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

WORDS: Final[Mapping[str, str]] = {
    "fails": (
        "Diese Belege halten der Prüfung nicht stand: {problems} Mängel wurden gefunden. Sie sind unten "
        "genannt."
    ),
    "gaps": (
        "Das Protokoll sagt selbst, dass Aufzeichnungen verloren gingen: {gaps} Lückenvermerke in diesem "
        "Zeitraum."
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
        "{requested} Anfragen waren mit einem Schlüssel von {operator} signiert oder kamen aus dessen "
        "veröffentlichtem Netz; {refused} davon wurden abgelehnt, {delivered} ausgeliefert."
    ),
    "described": (
        "{requested} weitere Anfragen bezeichneten sich selbst als {operator}; von wem sie kamen, steht "
        "nicht fest."
    ),
    "impostors": (
        "{requested} Anfragen trugen den Namen {operator} und wurden widerlegt. Sie zählen nicht gegen "
        "{operator}."
    ),
    "works": "{works} verschiedene Werke wurden an signierte oder geprüfte Anfragen ausgeliefert.",
    "violations": (
        "{requests} signierte oder geprüfte Anfragen galten dem, was die geltende robots.txt ihnen nicht "
        "erlaubte."
    ),
    "after_notice": "{requests} signierte oder geprüfte Anfragen kamen nach dem Hinweisschreiben.",
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
        "{requests} Anfragen unter dem Namen {operator} wurden widerlegt und zählen für niemanden."
    ),
    "ex.described": (
        "{requests} Anfragen bezeichneten sich nur selbst als {operator}; sie stehen für sich und werden "
        "nie hinzugezählt."
    ),
    "ex.licensed": "{requests} Anfragen fielen unter eine vertragliche Erlaubnis.",
    "ex.allowed": "{requests} signierte oder geprüfte Anfragen galten dem, was robots.txt ihnen erlaubte.",
    "ex.fetched": "Anfragen unter dem Namen {operator} riefen robots.txt {times}-mal ab.",
    "ex.nothing_delivered": (
        "{requests} Anfragen nahmen kein Werk mit: HEAD, unverändert, abgebrochen oder eine andere Antwort "
        "als ein Werk."
    ),
    "ex.refused": "{requests} signierte oder geprüfte Anfragen wurden abgelehnt und erhielten nichts.",
    "ex.nobody_came_back": "Kein signierter oder geprüfter Client fragte nach einer Ablehnung erneut.",
    "ex.none": "Nichts dergleichen ist aufgezeichnet.",
    "lim.true": (
        "Das Protokoll zeigt, dass seit dem Versiegeln nichts geändert wurde. Dass das Geschriebene wahr "
        "war, kann es allein nicht zeigen: Geschrieben hat es, wer es führt."
    ),
    "lim.unbounded": (
        "Für {records} Aufzeichnungen von {operator} begrenzt keine Zeit von außen, wann sie entstanden."
    ),
    "lim.gaps": (
        "{gaps} Lückenvermerke sagen, dass Aufzeichnungen verloren gingen; wie viele, sagt jeder selbst."
    ),
    "lim.no_gaps": "In diesen Zeitraum fällt kein Lückenvermerk.",
    "lim.clocks": (
        "{faults} Vermerke sagen, dass die Uhr gestellt wurde oder nicht abgeglichen war. Geordnet wird "
        "nach dem Platz im Protokoll, nie nach der Zeit."
    ),
    "lim.vantage": (
        "{requests} Anfragen wurden für einen Proxy beurteilt, der fragte: Ob und was die Seite dann "
        "sandte, haben wir nicht gesehen."
    ),
    "lim.joined": "Bei {requests} Anfragen sagt nur das Zugriffsprotokoll eines Proxys, wie sie endeten.",
    "lim.unknown": "Bei {requests} Anfragen ist kein Ende aufgezeichnet; sie gelten als nicht ausgeliefert.",
    "lim.rollups": (
        "{requests} Besuche wurden ohne eigene Aufzeichnung gezählt: Zahlen nach Tagen, nicht einzeln "
        "beweisbar und aus den beigefügten Aufzeichnungen nicht nachzurechnen."
    ),
    "lim.rollups_left_out": (
        "Aufzeichnungen solcher Zählungen, die auch die anderer enthalten, sind nicht beigefügt."
    ),
    "lim.unnamed": "{visits} Besuche wurden unter keinem Namen gezählt; sie können von jedem sein.",
    "lim.imported": (
        "{lines} Zeilen alter Zugriffsprotokolle tragen den Namen {operator}. Sie wurden später eingelesen,"
        " sind nicht zeitgenössisch und stehen in keiner anderen Zahl."
    ),
    "lim.cut": (
        "{records} Aufzeichnungen waren zu lang, um zu sagen, wer fragte; sie können von jedem sein und "
        "sind nicht beigefügt."
    ),
    "lim.pruned": "{records} Aufzeichnungen am Anfang des Protokolls wurden gelöscht; ihre Hashes bleiben.",
    "lim.stale": (
        "{requests} Anfragen waren zu ihrer Zeit nicht zu prüfen, weil Listen alt waren oder keine Antwort "
        "kam."
    ),
    "lim.unmatched": "{records} Abschlüsse gehören zu keiner beigefügten Anfrage.",
    "lim.shred": (
        "{times}-mal wurden Öffnungen vernichtet: Die Adressen dieser Aufzeichnungen lassen sich nicht mehr"
        " zeigen. Die Beweise halten ohne sie."
    ),
    "lim.corrections": (
        "{records} beigefügte Aufzeichnungen wurden durch spätere berichtigt; die ursprünglichen stehen "
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
    "lim.terms": (
        "Die Bedingungen, die Aufzeichnungen nennen, liegen ganz bei, mit den Namen von Lizenznehmern, wenn"
        " sie solche enthalten."
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

"""Names of countries for the last line of an address, in the languages of letters (ISO 3166-1)."""

from __future__ import annotations

from vorbehalt.claims.notice.kinds import LANGUAGES

_NAMES = """\
AE Vereinigte Arabische Emirate|United Arab Emirates|Émirats arabes unis
AT Österreich|Austria|Autriche
AU Australien|Australia|Australie
BE Belgien|Belgium|Belgique
BG Bulgarien|Bulgaria|Bulgarie
BR Brasilien|Brazil|Brésil
CA Kanada|Canada|Canada
CH Schweiz|Switzerland|Suisse
CN China|China|Chine
CY Zypern|Cyprus|Chypre
CZ Tschechien|Czechia|Tchéquie
DE Deutschland|Germany|Allemagne
DK Dänemark|Denmark|Danemark
EE Estland|Estonia|Estonie
ES Spanien|Spain|Espagne
FI Finnland|Finland|Finlande
FR Frankreich|France|France
GB Vereinigtes Königreich|United Kingdom|Royaume-Uni
GR Griechenland|Greece|Grèce
HR Kroatien|Croatia|Croatie
HU Ungarn|Hungary|Hongrie
IE Irland|Ireland|Irlande
IL Israel|Israel|Israël
IN Indien|India|Inde
IS Island|Iceland|Islande
IT Italien|Italy|Italie
JP Japan|Japan|Japon
KR Republik Korea|Republic of Korea|République de Corée
LI Liechtenstein|Liechtenstein|Liechtenstein
LT Litauen|Lithuania|Lituanie
LU Luxemburg|Luxembourg|Luxembourg
LV Lettland|Latvia|Lettonie
MT Malta|Malta|Malte
NL Niederlande|Netherlands|Pays-Bas
NO Norwegen|Norway|Norvège
NZ Neuseeland|New Zealand|Nouvelle-Zélande
PL Polen|Poland|Pologne
PT Portugal|Portugal|Portugal
RO Rumänien|Romania|Roumanie
SE Schweden|Sweden|Suède
SG Singapur|Singapore|Singapour
SI Slowenien|Slovenia|Slovénie
SK Slowakei|Slovakia|Slovaquie
TR Türkei|Türkiye|Turquie
UA Ukraine|Ukraine|Ukraine
US Vereinigte Staaten von Amerika|United States of America|États-Unis d’Amérique
"""
_BY_CODE = {line[:2]: dict(zip(LANGUAGES, line[3:].split("|"), strict=True)) for line in _NAMES.splitlines()}


def country_line(code: str, language: str) -> str:
    """Return a country as it stands on an envelope, in capitals; a code that is not known stays itself."""
    return _BY_CODE.get(code, {}).get(language, code).upper()

"""The page for people in French."""

from __future__ import annotations

from vorbehalt.reservation.page.words import PageWords

FRENCH = PageWords(
    language="Français",
    languages="Langues",
    title="Utilisation de ce site par des systèmes d'IA et pour la fouille de textes et de données",
    declaration="Ce qui est réservé, et par qui",
    declared="Tous les droits relatifs aux utilisations suivantes de ce site sont expressément"
    " réservés\u00a0:",
    declared_rest="Tous les droits relatifs aux utilisations suivantes de ce site sont expressément"
    " réservés, sauf indication contraire de cette page pour une partie du site\u00a0:",
    declared_parts="Rien n'est réservé pour l'ensemble du site. Pour les parties indiquées ci-dessous, les"
    " utilisations marquées «\u00a0réservé\u00a0» sont expressément réservées.",
    declared_by="La réserve est déclarée par {}.",
    declared_nothing="Rien n'est réservé sur ce site au-delà de ce que la loi réserve elle-même.",
    parts="Le détail par utilisation",
    whole_site="Le site entier",
    rest_of_site="Le reste du site",
    part="La partie «\u00a0{}\u00a0»",
    count_of_parts="{} parties soumises aux mêmes conditions",
    patterns="Une partie comprend toute adresse de ce site qui commence comme indiqué\u00a0; * remplace des"
    " caractères quelconques, $ marque la fin de l'adresse. Si deux parties se recoupent, l'indication la"
    " plus longue l'emporte.",
    only_for="Seulement pour ces types de fichiers\u00a0:",
    audio="audio",
    video="vidéo",
    image="images",
    works="Œuvres\u00a0:",
    rightsholder="Titulaire des droits\u00a0:",
    use="Utilisation",
    stance="Déclaré",
    search="Indexation pour une recherche qui renvoie vers ce site",
    ai_input="Utilisation en entrée de systèmes d'IA au moment d'une réponse (recherche documentaire,"
    " ancrage, résumés)",
    training="Entraînement de modèles d'IA",
    tdm="Fouille de textes et de données dans son ensemble",
    reserved="réservé",
    open="ouvert",
    except_training="sauf pour l'entraînement de modèles d'IA",
    except_ai_input="sauf pour l'utilisation en entrée de systèmes d'IA",
    allow="Ce que «\u00a0ouvert\u00a0» et «\u00a0allow\u00a0» ne veulent pas dire",
    allow_is_no_consent="Le fait qu'une page soit servie, ou que robots.txt laisse entrer un robot,"
    " n'accorde aucune licence et ne vaut pas consentement à une utilisation réservée.",
    open_is_no_licence="«\u00a0Ouvert\u00a0» signifie qu'aucune réserve n'est déclarée pour cette"
    " utilisation. Ce n'est pas non plus une licence\u00a0: ce que la loi permet est permis, tout le reste"
    " requiert une autorisation.",
    contracts="L'utilisation en vertu d'un contrat ou d'une autorisation écrite est une autre"
    " question\u00a0: ce qui y a été convenu s'applique.",
    contacts="À qui s'adresser",
    ask_before="Demandez l'autorisation avant toute utilisation réservée.",
    ask="Questions et demandes d'autorisation\u00a0:",
    ask_licence="Demandes de licence\u00a0:",
    ask_nobody="Aucun contact n'est indiqué.",
    own_terms="Les conditions complètes de ce site\u00a0:",
    readers="Si vous lisez ce site",
    readers_may="Cette page concerne l'utilisation automatisée. Rien ne change pour les personnes\u00a0:"
    " vous pouvez lire ce site, y renvoyer par un lien, le citer et l'utiliser par ailleurs comme la loi le"
    " permet.",
    legal_basis="Base juridique",
    legal_mining="Lorsqu'une utilisation réservée est une fouille de textes et de données, la réserve est"
    " déclarée au titre de l'article 4, paragraphe 3, de la directive (UE) 2019/790\u00a0: en France,"
    " l'opposition prévue à l'article L. 122-5-3, III, du code de la propriété intellectuelle\u00a0; en"
    " Allemagne, le § 44b, alinéa 3, de la loi sur le droit d'auteur (UrhG). Elle est déclarée sous une"
    " forme lisible par machine\u00a0; cette page dit la même chose en toutes lettres.",
    legal_other="Lorsqu'une utilisation réservée est autre chose, elle requiert une autorisation dans la"
    " mesure où le droit d'auteur, les droits voisins ou le droit du producteur de base de données confèrent"
    " au titulaire un droit exclusif.",
    legal_research="Une réserve ne porte pas atteinte à la fouille de textes et de données à des fins de"
    " recherche scientifique au titre de l'article 3 de la directive (article L. 122-5-3, II, du code de la"
    " propriété intellectuelle, § 60d UrhG), ni aux autres exceptions prévues par la loi.",
    legal_nothing="Aucune réserve au titre de l'article 4, paragraphe 3, de la directive (UE) 2019/790 n'est"
    " déclarée ici. Le droit d'auteur, les droits voisins et le droit du producteur de base de données"
    " restent à leurs titulaires.",
    machines="Pour les machines",
    machines_same="Les mêmes conditions figurent dans les formes que lisent les machines. Toutes, et cette"
    " page, sont établies à partir des mêmes données.",
    machines_stricter="Lorsqu'une telle forme ne peut exprimer une distinction faite sur cette page, elle"
    " indique la valeur la plus stricte.",
    robots="Règles pour les robots (robots.txt)\u00a0:",
    tdmrep="Réserve (TDMRep)\u00a0:",
    tdm_policy="Politique (ODRL)\u00a0:",
    rsl="Conditions de licence (RSL)\u00a0:",
    header_fields="Avec chaque réponse de ce site, les champs d'en-tête",
    this_page="Adresse de cette page\u00a0:",
)

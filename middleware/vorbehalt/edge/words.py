"""What a refused visitor reads, in English, German and French. Nothing here says more than what is known."""

from __future__ import annotations

from collections.abc import Mapping

LANGUAGES = ("en", "de", "fr")

TITLES: Mapping[str, Mapping[int, str]] = {
    "en": {403: "Access refused", 429: "Too many requests"},
    "de": {403: "Zugriff abgelehnt", 429: "Zu viele Anfragen"},
    "fr": {403: "Accès refusé", 429: "Trop de requêtes"},
}

SENTENCES: Mapping[str, Mapping[str, str]] = {
    "en": {
        "limit": "This site limits how many automated requests it answers in a period of time. Try again"
        " later.",
        "contradicted": "The request names a crawler, but it does not come from where that crawler's"
        " operator says"
        " its requests come from.",
        "training": "The request names a crawler that collects content for training AI models. This site"
        " does not"
        " make its content available to it.",
        "ai": "The request names an automated client for AI services. This site does not make its content"
        " available"
        " to it.",
        "automated": "The request names an automated client. This site does not make its content"
        " available to it.",
        "rule": "The operator of this site has set a rule that refuses this request.",
    },
    "de": {
        "limit": "Diese Website beantwortet in einem Zeitraum nur eine begrenzte Zahl automatischer Anfragen."
        " Bitte versuchen Sie es später noch einmal.",
        "contradicted": "Die Anfrage nennt einen Crawler, kommt aber nicht von dort, woher dessen"
        " Betreiber nach"
        " eigenen Angaben anfragt.",
        "training": "Die Anfrage nennt einen Crawler, der Inhalte für das Training von KI-Modellen"
        " sammelt. Diese"
        " Website stellt ihm ihre Inhalte nicht zur Verfügung.",
        "ai": "Die Anfrage nennt ein automatisches Programm für KI-Dienste. Diese Website stellt ihm ihre"
        " Inhalte"
        " nicht zur Verfügung.",
        "automated": "Die Anfrage nennt ein automatisches Programm. Diese Website stellt ihm ihre Inhalte"
        " nicht zur"
        " Verfügung.",
        "rule": "Der Betreiber dieser Website hat eine Regel gesetzt, nach der diese Anfrage abgelehnt wird.",
    },
    "fr": {
        "limit": "Ce site limite le nombre de requêtes automatiques auxquelles il répond. Réessayez plus"
        " tard.",
        "contradicted": "La requête nomme un robot, mais ne vient pas des adresses indiquées par son"
        " exploitant.",
        "training": "La requête nomme un robot qui collecte des contenus pour entraîner des modèles d'IA."
        " Ce site"
        " ne met pas ses contenus à sa disposition.",
        "ai": "La requête nomme un programme automatique de services d'IA. Ce site ne met pas ses"
        " contenus à sa"
        " disposition.",
        "automated": "La requête nomme un programme automatique. Ce site ne met pas ses contenus à sa"
        " disposition.",
        "rule": "L'exploitant de ce site a fixé une règle qui refuse cette requête.",
    },
}
"""Why a request was refused, by the kind of reason (see `respond.reason_kind`)."""

RESERVED: Mapping[str, Mapping[str, str]] = {
    "en": {
        "lead": "Rights are reserved on this site for: ",
        "search": "search indexing",
        "training": "training of AI models",
        "ai_input": "input to AI answers",
        "tdm": "text and data mining (Art. 4(3) Directive (EU) 2019/790)",
        "none": "No general reservation of rights is declared here.",
    },
    "de": {
        "lead": "Auf dieser Website sind Rechte vorbehalten für: ",
        "search": "Suchindexierung",
        "training": "Training von KI-Modellen",
        "ai_input": "Eingabe in KI-Antworten",
        "tdm": "Text und Data Mining (Art. 4 Abs. 3 Richtlinie (EU) 2019/790, § 44b Abs. 3 UrhG)",
        "none": "Ein allgemeiner Nutzungsvorbehalt ist hier nicht erklärt.",
    },
    "fr": {
        "lead": "Sur ce site, les droits sont réservés pour : ",
        "search": "indexation pour la recherche",
        "training": "entraînement de modèles d'IA",
        "ai_input": "réponses de services d'IA",
        "tdm": "fouille de textes et de données (art. 4, par. 3, directive (UE) 2019/790)",
        "none": "Aucune réserve générale de droits n'est déclarée ici.",
    },
}

LABELS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "person": "If you are a person reading this site, this is our mistake. Please tell us the"
        " reference below.",
        "reference": "Reference",
        "contact": "Contact",
        "policy": "Terms for automated access",
        "wait": "Seconds to wait",
    },
    "de": {
        "person": "Wenn Sie diese Website als Mensch lesen, ist das unser Fehler. Bitte nennen Sie uns"
        " die Referenz.",
        "reference": "Referenz",
        "contact": "Kontakt",
        "policy": "Bedingungen für automatischen Zugriff",
        "wait": "Sekunden bis zum nächsten Versuch",
    },
    "fr": {
        "person": "Si vous êtes une personne qui lit ce site, c'est notre erreur. Indiquez-nous la"
        " référence.",
        "reference": "Référence",
        "contact": "Contact",
        "policy": "Conditions d'accès automatique",
        "wait": "Secondes à attendre",
    },
}

PROXY: Mapping[str, Mapping[int, tuple[str, str]]] = {
    "en": {
        400: ("Bad request", "This request cannot be passed on: its target or a header is malformed."),
        502: ("The site does not answer", "The site behind this address does not answer at the moment."
              " Please try again later."),
        504: ("The site takes too long", "The site behind this address took too long to answer."
              " Please try again later."),
    },
    "de": {
        400: ("Fehlerhafte Anfrage", "Diese Anfrage kann nicht weitergegeben werden: Ihr Ziel oder eine"
              " Kopfzeile ist fehlerhaft."),
        502: ("Die Website antwortet nicht", "Die Website hinter dieser Adresse antwortet gerade nicht."
              " Bitte versuchen Sie es später noch einmal."),
        504: ("Die Website braucht zu lange", "Die Website hinter dieser Adresse hat nicht rechtzeitig"
              " geantwortet. Bitte versuchen Sie es später noch einmal."),
    },
    "fr": {
        400: ("Requête incorrecte", "Cette requête ne peut pas être transmise : sa cible ou un en-tête est"
              " mal formé."),
        502: ("Le site ne répond pas", "Le site derrière cette adresse ne répond pas pour le moment."
              " Réessayez plus tard."),
        504: ("Le site met trop de temps", "Le site derrière cette adresse a mis trop de temps à répondre."
              " Réessayez plus tard."),
    },
}  # fmt: skip
"""Title and sentence when the site behind the reverse proxy cannot be asked, by status."""

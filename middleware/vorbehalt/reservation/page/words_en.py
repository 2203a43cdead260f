"""The page for people in English."""

from __future__ import annotations

from vorbehalt.reservation.page.words import PageWords

ENGLISH = PageWords(
    language="English",
    languages="Languages",
    title="Use of this site by AI systems and for text and data mining",
    declaration="What is reserved, and by whom",
    declared="All rights to the following uses of this site are expressly reserved:",
    declared_rest="All rights to the following uses of this site are expressly reserved, unless this page"
    " says otherwise for a part of it:",
    declared_parts="Nothing is reserved for this site as a whole. For the parts named below, the uses marked"
    " “reserved” are expressly reserved.",
    declared_by="Reserved by {}.",
    declared_nothing="Nothing is reserved on this site beyond what the law itself reserves.",
    parts="Use by use",
    whole_site="The whole site",
    rest_of_site="The rest of the site",
    part="The part “{}”",
    count_of_parts="{} parts with the same terms",
    patterns="A part covers every address on this site that begins as shown; * stands for any characters, $"
    " for the end of the address. Where two parts meet, the longer entry decides.",
    only_for="Only for these kinds of file:",
    audio="audio",
    video="video",
    image="images",
    works="Works:",
    rightsholder="Rightsholder:",
    use="Use",
    stance="Declared",
    search="Indexing for a search that points to this site",
    ai_input="Input to AI systems when they answer (retrieval, grounding, summaries)",
    training="Training of AI models",
    tdm="Text and data mining as a whole",
    reserved="reserved",
    open="open",
    except_training="except for the training of AI models",
    except_ai_input="except for input to AI systems",
    allow="What “open” and “allow” do not mean",
    allow_is_no_consent="That a page is served, or that robots.txt lets a crawler in, grants no licence and"
    " is no consent to a use that is reserved.",
    open_is_no_licence="“Open” means that no reservation is declared for this use. It is no licence either:"
    " what the law permits is permitted, anything else needs permission.",
    contracts="Use under a contract or a written permission is another matter: what was agreed there holds.",
    contacts="Whom to ask",
    ask_before="Ask for permission before a use that is reserved.",
    ask="Questions and requests for permission:",
    ask_licence="Requests for a licence:",
    ask_nobody="No contact has been named.",
    own_terms="The full terms of this site:",
    readers="If you are reading this site",
    readers_may="This page is about automated use. Nothing changes for people: you may read this site, link"
    " to it, and quote from it and otherwise use it as the law allows.",
    legal_basis="Legal basis",
    legal_mining="Where a reserved use is text and data mining, the reservation is declared under Article"
    " 4(3) of Directive (EU) 2019/790: in Germany section 44b(3) of the Copyright Act (UrhG), in France"
    " Article L. 122-5-3, III of the Intellectual Property Code. It is declared in machine-readable form;"
    " this page says the same in words.",
    legal_other="Where a reserved use is anything else, it needs permission as far as copyright, related"
    " rights or the database right give the rightsholder an exclusive right.",
    legal_research="A reservation does not affect text and data mining for scientific research under Article"
    " 3 of the Directive (section 60d UrhG, Article L. 122-5-3, II of the French code), nor the other"
    " exceptions of the law.",
    legal_nothing="No reservation under Article 4(3) of Directive (EU) 2019/790 is declared here. Copyright,"
    " related rights and the database right remain with those who hold them.",
    machines="For machines",
    machines_same="The same terms stand in the forms that machines read. All of them, and this page, are"
    " made from one set of terms.",
    machines_stricter="Where such a form cannot make a distinction that this page makes, it states the"
    " stricter value.",
    robots="Rules for crawlers (robots.txt):",
    tdmrep="Reservation (TDMRep):",
    tdm_policy="Policy (ODRL):",
    rsl="Licence terms (RSL):",
    header_fields="With every answer of this site, the header fields",
    this_page="Address of this page:",
)

"""What we ask for: ledger, dossier, notices. Built on the evidence alone."""

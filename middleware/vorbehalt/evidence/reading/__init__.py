"""The sealed log, read: one record, some types, from where on."""

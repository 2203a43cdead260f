"""Which works lie behind which paths: identifiers, catalogues and the index that finds them. Pure."""

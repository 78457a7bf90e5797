"""What a verifier does with the record of a search: it covers all cases again."""

"""Tables, revision numbers, checksums, the identity of a file, the script of a new database."""

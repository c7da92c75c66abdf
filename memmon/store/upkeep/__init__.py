"""Check, vacuum, backup, migrations, integrity."""

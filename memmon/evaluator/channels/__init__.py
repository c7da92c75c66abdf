"""Where a message goes: log, callback, webhook, other services; their secrets."""

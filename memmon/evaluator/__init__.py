"""Alerts told from outside: observes stores, keeps watches, notices its own outage."""

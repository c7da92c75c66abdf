"""Rows of alerts: their watches, messages and deliveries."""

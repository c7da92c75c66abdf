"""What a short-lived child process does when it is asked: migrate, inspect, check, judge, render.

Each task imports what it needs, so that a migration loads neither numpy nor pandas.
"""

"""What screens show and when it is too old to be shown: one logic for every face. Pure.

`tests/console/cases/` holds it in files that any language can run.
"""

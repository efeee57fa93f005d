"""What screens show and when it is too old to be shown: one logic for every face (tests/console/cases/). Pure."""

"""Web: one bounded exchange over HTTP with a host that a person has named. For live sources and embedders elsewhere."""

"""Sources that are not folders: search services, feeds, published tables of sentences."""

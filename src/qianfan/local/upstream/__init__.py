"""Other servers behind the local platform: one that has the words, or a platform that everything is passed on to."""

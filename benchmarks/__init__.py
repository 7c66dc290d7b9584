"""Oracle and market-scale measurements of the technical indicators; nothing here runs in production."""

"""Company filings: the SEC's EDGAR, one module each for the way there and for what is read.

Does not belong here: what a person has written down from a filing (`sources.curated`).
"""

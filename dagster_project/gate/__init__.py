"""Checks an incoming batch: good rows come out, and rejects with their reasons.

Belongs here: casting to the contract's types (`cast`), the Great Expectations suite built from a contract
(`expectations`), and their order (`gate`). Does not belong here: what is allowed (a contract says so), fetching,
storage, Dagster. Great Expectations takes seconds to import, so only functions import it.
"""

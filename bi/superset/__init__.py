"""Apache Superset on the published file: an environment of its own, and dashboards kept as code.

Belongs here: the dashboards (`assets/`, in Superset's export format), how they are imported, how Superset is started.
Does not belong here: figures that a mart does not hold.
"""

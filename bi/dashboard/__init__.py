"""The dashboard: the marts as pages in a browser.

Belongs here: what Streamlit shows. Does not belong here: charts (`bi.charts`), SQL (`bi.questions`), any figure's
computation, and anything that writes.
"""

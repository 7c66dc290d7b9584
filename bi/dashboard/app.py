"""What `streamlit run` runs: the pages and the way between them.

Belongs here: the list of pages. Does not belong here: what is on them.
"""

from __future__ import annotations

import streamlit as st

from bi.dashboard import capacity, compare, frame, history, leases, miner, quality, sector, worksheet

PAGES = {
    "Sector": sector.show,
    "Miner": miner.show,
    "Compare": compare.show,
    "History": history.show,
    "Capacity": capacity.show,
    "Leases": leases.show,
    "Worksheet": worksheet.show,
    "Data quality": quality.show,
}


def main() -> None:
    """Show the page of the address, the sector without one; links between pages keep the day and the miner."""
    pages = [
        st.Page(
            frame.guarded(show), title=title, url_path=show.__module__.rsplit(".", 1)[-1], default=show is sector.show
        )
        for title, show in PAGES.items()
    ]
    page = st.navigation(pages, position="hidden")
    st.set_page_config(page_title=f"{page.title} · Minehouse", layout="wide")
    way = st.container(horizontal=True)
    page.run()
    kept = {name: st.query_params[name] for name in frame.KEPT if name in st.query_params}
    with way:
        for other in pages:
            st.page_link(other, query_params=kept)


if __name__ == "__main__":
    main()

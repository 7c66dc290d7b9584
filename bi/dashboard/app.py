"""What `streamlit run` runs: the pages and the way between them.

Belongs here: the list of pages. Does not belong here: what is on them.
"""

from __future__ import annotations

import streamlit as st

from bi.dashboard import frame, miner, quality, sector

PAGES = {"Sector": sector.show, "Miner": miner.show, "Data quality": quality.show}


def main() -> None:
    """Show the page of the address, the sector without one."""
    st.set_page_config(page_title="Minehouse", layout="wide")
    pages = [
        st.Page(
            frame.guarded(show), title=title, url_path=show.__module__.rsplit(".", 1)[-1], default=show is sector.show
        )
        for title, show in PAGES.items()
    ]
    st.navigation(pages, position="top").run()


if __name__ == "__main__":
    main()

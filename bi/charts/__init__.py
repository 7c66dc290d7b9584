"""Charts of the marts for the dashboard and the brief: functions from a frame to an Altair chart.

Belongs here: one module per subject; columns are those that `bi.questions` gives (Arrow or pandas). Does not belong
here: SQL, files, and anything of Streamlit or of the brief. `vl-convert` renders the charts without a browser or a
network: `chart.save("x.svg")`.
"""

from bi.charts.capacity import funnel_chart
from bi.charts.compare import comparison_chart
from bi.charts.contracts import deal_flow_chart, usd_per_mw_chart
from bi.charts.history import history_chart
from bi.charts.leases import lease_chart
from bi.charts.look import ChartError, themed
from bi.charts.price import miner_chart
from bi.charts.worth import parts_chart, publication_chart

__all__ = [
    "ChartError",
    "comparison_chart",
    "deal_flow_chart",
    "funnel_chart",
    "history_chart",
    "lease_chart",
    "miner_chart",
    "parts_chart",
    "publication_chart",
    "themed",
    "usd_per_mw_chart",
]

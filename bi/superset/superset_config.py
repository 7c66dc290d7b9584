"""Superset's settings; Superset reads this file, and finds its state in the folder `SUPERSET_HOME`.

Belongs here: what differs from Superset's defaults, with the reason. Does not belong here: secrets.
"""

import os
from pathlib import Path

from flask import Flask, Response, request

_HOME = Path(os.environ["SUPERSET_HOME"])

SECRET_KEY = (_HOME / "secret_key").read_text()
SQLALCHEMY_DATABASE_URI = f"sqlite:///{_HOME / 'superset.db'}?check_same_thread=false"
# DuckDB counts as unsafe because it reads files; ours is opened read-only and without access to others
PREVENT_UNSAFE_DB_CONNECTIONS = False
# the day of the dashboards' filter is put into the queries of the datasets
FEATURE_FLAGS = {"ENABLE_TEMPLATE_PROCESSING": True}
LOG_LEVEL = "ERROR"
_PIXEL = b"https://apachesuperset.gateway.scarf.sh/pixel/"


def FLASK_APP_MUTATOR(app: Flask) -> None:  # noqa: N802 - Superset's name
    """Take the telemetry pixel out of the page, which Superset has no switch for once it is built."""

    def without_pixel(response: Response) -> Response:
        if request.path.startswith("/static/assets/") and request.path.endswith(".js"):
            response.direct_passthrough = False
            script = response.get_data()
            if _PIXEL in script:
                response.set_data(script.replace(_PIXEL, b"data:,"))
        return response

    app.after_request(without_pixel)


SQLLAB_BACKEND_PERSISTENCE = True
# the defaults allow map tiles, fonts and a telemetry pixel; this page talks to this machine and to nobody else
TALISMAN_ENABLED = True
TALISMAN_CONFIG = {
    "content_security_policy": {
        "base-uri": ["'self'"],
        "default-src": ["'self'"],
        "img-src": ["'self'", "blob:", "data:"],
        "worker-src": ["'self'", "blob:"],
        "connect-src": ["'self'"],
        "object-src": "'none'",
        "style-src": ["'self'", "'unsafe-inline'"],
        "script-src": ["'self'", "'strict-dynamic'"],
    },
    "content_security_policy_nonce_in": ["script-src"],
    "force_https": False,
    "session_cookie_secure": False,
}

"""Superset's settings; Superset reads this file, and finds its state in the folder `SUPERSET_HOME`.

Belongs here: what differs from Superset's defaults, with the reason. Does not belong here: secrets.
"""

import os
from pathlib import Path

_HOME = Path(os.environ["SUPERSET_HOME"])

SECRET_KEY = (_HOME / "secret_key").read_text()
SQLALCHEMY_DATABASE_URI = f"sqlite:///{_HOME / 'superset.db'}?check_same_thread=false"
# DuckDB counts as unsafe because it reads files; ours is opened read-only and without access to others
PREVENT_UNSAFE_DB_CONNECTIONS = False
LOG_LEVEL = "ERROR"
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

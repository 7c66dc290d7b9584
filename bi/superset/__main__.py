"""`python -m bi.superset`: bring Superset up on the published file, on this machine only.

Belongs here: state, secrets and processes. Does not belong here: what the dashboards show.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

from pydantic import SecretStr

from bi.published import NotPublishedError
from bi.superset.assets import complete_assets
from dagster_project.settings import PREFIX, PROJECT_DIR, Settings, SettingsError, load_settings

ENVIRONMENT = PROJECT_DIR / ".venv-superset" / "bin"
LOCK = PROJECT_DIR / "requirements" / "superset.lock"
HERE = Path(__file__).resolve().parent
ADDRESS = "127.0.0.1:8088"


def main() -> int:
    """Prepare and become the server; returns an exit code only where that fails: 1 failed, 2 a wrong setting."""
    try:
        settings = load_settings()
    except SettingsError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    home = settings.data_dir / "superset"
    try:
        assets = complete_assets(settings.published_database)
    except NotPublishedError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    _make_home(home)
    environment = _environment(home)
    if not _is_provisioned(settings, home, assets) and not _provision(settings, home, assets, environment):
        print(f"error: Superset could not be prepared; details in {home / 'provision.log'}", file=sys.stderr)
        return 1
    return _serve(home, environment)


def _serve(home: Path, environment: dict[str, str]) -> NoReturn:
    """Become the server, so that Ctrl-C and a supervisor reach it without detour."""
    print(f"Superset on http://{ADDRESS} (user admin); stop it with Ctrl-C", flush=True)
    os.chdir(home)
    server = str(ENVIRONMENT / "gunicorn")
    options = ["--bind", ADDRESS, "--workers", "1", "--worker-class", "gthread", "--threads", "8", "--timeout", "120"]
    os.execve(server, [server, *options, "--log-level", "warning", "superset.app:create_app()"], environment)  # noqa: S606


def _make_home(home: Path) -> None:
    home.mkdir(parents=True, exist_ok=True)
    home.chmod(0o700)
    key = home / "secret_key"
    if not key.exists():
        key.touch(mode=0o600)
        key.write_text(secrets.token_urlsafe(42))


def _environment(home: Path) -> dict[str, str]:
    """What Superset's processes see: none of our settings, for they hold passwords."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    return inherited | {
        "SUPERSET_HOME": str(home),
        "SUPERSET_CONFIG_PATH": str(HERE / "superset_config.py"),
        "SCARF_ANALYTICS": "false",
    }


def _fingerprint(password: SecretStr | None, home: Path, assets: dict[str, str]) -> str:
    """Changes with the version of Superset, with the dashboards, with the published tables, and with the password."""
    state = json.dumps(
        [hashlib.sha256(LOCK.read_bytes()).hexdigest(), assets, password and password.get_secret_value()]
    )
    return hmac.new((home / "secret_key").read_bytes(), state.encode(), "sha256").hexdigest()


def _is_provisioned(settings: Settings, home: Path, assets: dict[str, str]) -> bool:
    done = home / "provisioned"
    return done.exists() and done.read_text() == _fingerprint(settings.superset_password, home, assets)


def _provision(settings: Settings, home: Path, assets: dict[str, str], environment: dict[str, str]) -> bool:
    print("preparing Superset and importing the dashboards (a minute the first time)", flush=True)
    chosen = settings.superset_password
    password = chosen.get_secret_value() if chosen else secrets.token_urlsafe(12)
    asked = {"assets": assets, "password": password, "is_chosen": chosen is not None}
    with (home / "provision.log").open("w") as log:
        done = subprocess.run(  # noqa: S603
            [ENVIRONMENT / "python", HERE / "provision.py"],
            input=json.dumps(asked),
            text=True,
            stdout=subprocess.PIPE,
            stderr=log,
            env=environment,
            cwd=home,
            check=False,
        )
    # Superset's libraries may print, too
    print("".join(line for line in done.stdout.splitlines(keepends=True) if line.startswith("user admin")), end="")
    if done.returncode == 0:
        (home / "provisioned").write_text(_fingerprint(chosen, home, assets))
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main())

"""`python -m bi.superset`: bring Superset up on the published file, on this machine only.

Belongs here: state, secrets and processes. Does not belong here: what the dashboards show.
"""

from __future__ import annotations

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
from bi.superset.assets import UnknownTableError, complete_assets
from dagster_project.output import end_with_reader
from dagster_project.settings import PREFIX, PROJECT_DIR, SettingsError, load_settings

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
    except (NotPublishedError, UnknownTableError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    if not ENVIRONMENT.is_dir():
        print(f"error: {ENVIRONMENT.parent} is not installed: start with `make superset`", file=sys.stderr)
        return 1
    make_home(home)
    environment = environment_of(home)
    if not provision(settings.superset_password, home, assets, environment):
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


def make_home(home: Path) -> None:
    """The folder of Superset's state, for this user alone, with the key that signs sessions."""
    home.mkdir(parents=True, exist_ok=True)
    home.chmod(0o700)
    key = home / "secret_key"
    if not key.exists():
        key.touch(mode=0o600)
        key.write_text(secrets.token_urlsafe(42))


def environment_of(home: Path) -> dict[str, str]:
    """What Superset's processes see: none of our settings, for they hold passwords."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    return inherited | {
        "SUPERSET_HOME": str(home),
        "SUPERSET_CONFIG_PATH": str(HERE / "superset_config.py"),
        "SCARF_ANALYTICS": "false",
    }


def provision(chosen: SecretStr | None, home: Path, assets: dict[str, str], environment: dict[str, str]) -> bool:
    """Bring Superset's database up to date where something has changed since the last time; False where that failed.

    What changed is told by fingerprints: of Superset's version and the completed dashboards, and of the chosen
    password. Where only the password is new, no dashboard is touched.
    """
    done = home / "provisioned.json"
    before: dict[str, str] = json.loads(done.read_text()) if done.exists() else {}
    now = before | {"assets": _fingerprint(home, LOCK.read_text(), json.dumps(assets))}
    if chosen:
        now["password"] = _fingerprint(home, chosen.get_secret_value())
    if now == before:
        return True
    print("preparing Superset and importing the dashboards (a minute the first time)", flush=True)
    asked = {
        "assets": assets if now["assets"] != before.get("assets") else None,
        "password": chosen.get_secret_value() if chosen else secrets.token_urlsafe(12),
        "is_chosen": chosen is not None,
    }
    with (home / "provision.log").open("w") as log:
        run = subprocess.run(  # noqa: S603
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
    print("".join(line for line in run.stdout.splitlines(keepends=True) if line.startswith("user admin")), end="")
    if run.returncode == 0:
        done.write_text(json.dumps(now))
    return run.returncode == 0


def _fingerprint(home: Path, *parts: str) -> str:
    # keyed, so that the file tells nothing of the password
    return hmac.new((home / "secret_key").read_bytes(), "\0".join(parts).encode(), "sha256").hexdigest()


if __name__ == "__main__":
    end_with_reader()
    sys.exit(main())

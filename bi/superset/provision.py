"""Brings Superset's own database to the state that the dashboards need; runs in Superset's environment.

Belongs here: what has to be said to Superset's Python interface. Does not belong here: deciding what is imported.
Standard input: JSON with `assets` (file name -> text of an export, or null where they stay), `password` of the user
`admin`, and `is_chosen`, whether the user chose that password.
"""

from __future__ import annotations

import json
import sys


def main() -> None:
    """Migrate, create the admin where there is none, import the dashboards over what was imported before."""
    # Superset can only be imported once its configuration is known, and takes seconds
    import flask_migrate
    from flask import g
    from superset.app import create_app

    asked = json.load(sys.stdin)
    app = create_app()
    with app.app_context():
        from superset import appbuilder, security_manager
        from superset.commands.importers.v1.assets import ImportAssetsCommand

        flask_migrate.upgrade()
        appbuilder.add_permissions(update_perms=True)
        security_manager.sync_role_definitions()
        admin = security_manager.find_user("admin")
        if admin is None:
            role = security_manager.find_role("Admin")
            admin = security_manager.add_user("admin", "Minehouse", "Admin", "admin@localhost", role, asked["password"])
            if not asked["is_chosen"]:
                sys.stdout.write(f"user admin, password {asked['password']} (shown this once)\n")
        elif asked["is_chosen"]:
            security_manager.reset_password(admin.id, asked["password"])
        g.user = admin
        if asked["assets"]:
            ImportAssetsCommand(asked["assets"]).run()


if __name__ == "__main__":
    main()

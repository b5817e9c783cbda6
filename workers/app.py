"""Where Celery finds its application: `python -m celery -A workers.app worker -P threads -c SLOTS -Q gpu,cpu,io -n NAME@%h`."""

from workers.station import create_app

app = create_app()

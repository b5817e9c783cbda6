"""The real worker with the test's child: `python -m celery -A tests.workers.station worker ...`."""

import sys
from pathlib import Path

from workers.station import create_app

CHILD = Path(__file__).with_name("child.py")
app = create_app(command=(sys.executable, str(CHILD)), code=(CHILD,))

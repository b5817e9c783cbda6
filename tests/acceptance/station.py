"""The real worker, whose children have a child of their own: `python -m celery -A tests.acceptance.station worker ...`."""

import sys
from pathlib import Path

from workers.sandbox import ROOT
from workers.station import create_app

PARENT = Path(__file__).with_name("parent.py")
app = create_app(command=(sys.executable, str(PARENT)), code=(ROOT / "spec", ROOT / "distill", PARENT))

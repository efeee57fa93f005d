"""`foremesh-forecast-server` as it is shipped, in a process that keeps a diary of when its model computed.

    python -m benchmarks.server_process --config FILE ...

At its end the process writes `diary.json` into its working folder: `computed` has beginning and end of every batch.
"""

import atexit
import json
from pathlib import Path as Folder

from benchmarks.noting import DIARY, noted
from forecast_server.__main__ import main
from forecast_server.worker import Worker

if __name__ == "__main__":
    computed, path = noted(Worker, "compute"), Folder(DIARY).resolve()
    atexit.register(lambda: path.write_text(json.dumps({"computed": computed.tolist()})))
    main()

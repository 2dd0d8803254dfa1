"""What a process without brokers pays for Kafka: nothing."""

import subprocess
import sys
from pathlib import Path

BUILT = """
import sys
from pathlib import Path
from caddy_shopping.main.build import build
from caddy_shopping.platform.settings import Settings
build(Settings(data_dir=Path(sys.argv[1]), kafka_brokers=sys.argv[2]))
print("confluent_kafka" in sys.modules)
"""


def test_the_client_is_imported_only_where_there_are_brokers(tmp_path: Path) -> None:
    for brokers, imported in (("", "False"), ("127.0.0.1:1", "True")):
        command = [sys.executable, "-c", BUILT, str(tmp_path), brokers]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.stdout.strip() == imported, done.stderr

"""The README's lines of shell, for whoever wants to know that they are true."""

import re
import subprocess
from pathlib import Path

README = Path(__file__).parents[2] / "README.md"
ADDRESS = "http://127.0.0.1:3000"


def lines_against(url: str) -> list[str]:
    """What the lines print when run against the shop at `url`, as they stand there but for the address."""
    (block,) = re.findall(r"```bash\n(.*?)```", README.read_text(), re.DOTALL)
    assert ADDRESS in block
    script = "set -euo pipefail\n" + block.replace(ADDRESS, url)
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()

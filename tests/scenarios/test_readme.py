"""The README's own lines, run as they stand there."""

import re
import subprocess
from pathlib import Path

from tests.support.shop import Shop

README = Path(__file__).parents[2] / "README.md"


def test_the_lines_end_in_a_paid_order(shop: Shop) -> None:
    (block,) = re.findall(r"```bash\n(.*?)```", README.read_text(), re.DOTALL)
    assert "http://127.0.0.1:3000" in block
    script = "set -euo pipefail\n" + block.replace("http://127.0.0.1:3000", shop.url)
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "PAID", done.stdout


def test_the_two_commands_are_targets_of_the_makefile() -> None:
    makefile = (README.parent / "Makefile").read_text()
    for target in re.findall(r"^\$ make (\S+)", README.read_text(), re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target

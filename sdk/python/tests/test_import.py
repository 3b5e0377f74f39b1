import subprocess
import sys
from pathlib import Path

SOURCE = Path(__file__).parent.parent / "src"


def test_the_base_package_needs_no_torch():
    program = "import sys, stepwise; sys.exit(any(name in sys.modules for name in ('torch', 'numpy')))"
    result = subprocess.run([sys.executable, "-c", program], env={"PYTHONPATH": str(SOURCE)}, check=False)
    assert result.returncode == 0

"""LeNet learns handwritten digits: data, training, drawing, weights, ONNX, all in build/demo.

Every step is the command that a user would type; each is shown before it runs.
"""

import re
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "build" / "demo"
WANTED_ACCURACY = 0.97
WANTED_DIFFERENCE = 1e-5


def netdef(command: str) -> str:
    """Run a command in the demo's folder, showing it and what it prints; return what it prints."""
    print(f"\n$ netdef {command}", flush=True)
    arguments = [str(Path(sys.executable).with_name("netdef")), *shlex.split(command)]
    lines: list[str] = []
    with subprocess.Popen(arguments, cwd=FOLDER, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout or ():
            print(line, end="", flush=True)
            lines.append(line)
    if process.returncode:
        sys.exit(f"the command failed with exit code {process.returncode}")
    return "".join(lines)


def last_number(pattern: str, text: str) -> float:
    """Return the number that a pattern's last match holds."""
    return float(re.findall(pattern, text)[-1])


def main() -> None:
    """Run the demo and hold its two figures against what is wanted."""
    started = time.monotonic()
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    lenet = ROOT / "models" / "lenet"
    netdef("data digits .")
    netdef(f"check {lenet}/train_val.prototxt")
    netdef(f"summary {lenet}/deploy.prototxt")
    trained = netdef(f"train {lenet}/train_val.prototxt {lenet}/solver.prototxt")
    netdef(f"draw {lenet}/deploy.prototxt -o lenet.svg")
    weights = "lenet_iter_500.caffemodel"
    exported = netdef(f"export {lenet}/deploy.prototxt --weights {weights} -o lenet.onnx")

    accuracy = last_number(r"accuracy = ([\d.]+)", trained)
    difference = last_number(r"difference from onnxruntime: ([\d.e+-]+)", exported)
    print(f"""
All of it took {time.monotonic() - started:.0f} s. The digits are those that scikit-learn carries.
  accuracy on held-out digits:   {accuracy:.2%}
  difference from onnxruntime:   {difference:.3g}
  drawing:         {FOLDER / "lenet.svg"}
  learning curve:  {FOLDER / "lenet_curve.svg"}
  weights:         {FOLDER / weights}
  ONNX:            {FOLDER / "lenet.onnx"}""")
    if accuracy < WANTED_ACCURACY or difference > WANTED_DIFFERENCE:
        sys.exit(f"wanted were {WANTED_ACCURACY:.0%} and at most {WANTED_DIFFERENCE:g}")


if __name__ == "__main__":
    main()

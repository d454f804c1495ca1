# Runs inside the image: docker run --rm -i IMAGE sh < verify.sh
set -eu
test "$(python --version)" = "Python 3.11.7"
test "$(id -u)" != 0
python - <<'END'
import numpy, torch
assert torch.__version__ == "2.13.0+cpu", torch.__version__
assert torch.version.cuda is None, torch.version.cuda
assert numpy.__version__ == "2.3.4", numpy.__version__
END
echo "verified: cpu-torch-2.13"

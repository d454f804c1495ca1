# Runs inside the image: docker run --rm -i IMAGE sh < verify.sh
set -eu
test "$(python --version)" = "Python 3.10.12"
test "$(id -u)" != 0
python - <<'END'
import torch, transformers, numpy, pandas
assert torch.__version__ == "2.1.0+cu121", torch.__version__
assert torch.version.cuda == "12.1", torch.version.cuda
assert (transformers.__version__, numpy.__version__, pandas.__version__) == ("4.36.0", "1.24.3", "2.0.3")
END
echo "verified: guide-example-cu121"

# Runs inside the image: docker run --rm -i IMAGE sh < verify.sh
set -eu
test "$(python --version)" = "Python 3.8.5"
test "$(id -u)" != 0
test -f /opt/conda/conda-meta/pytorch-1.7.0-py3.8_cuda11.0.221_cudnn8.0.3_0.json
python - <<'END'
import torch, torchvision, numpy, einops
assert (torch.__version__, torch.version.cuda, torchvision.__version__) == ("1.7.0", "11.0", "0.8.1")
assert (numpy.__version__, einops.__version__) == ("1.19.2", "0.3.0")
END
echo "verified: conda-2020-cu110"

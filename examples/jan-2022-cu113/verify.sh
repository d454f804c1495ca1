# Runs inside the image: docker run --rm -i IMAGE sh < verify.sh
set -eu
test "$(python --version)" = "Python 3.8.10"
test "$(id -u)" != 0
python - <<'END'
import clip, numpy, torch, torchvision
assert torch.__version__ == "1.10.1+cu113", torch.__version__
assert (torch.version.cuda, torch.backends.cudnn.version()) == ("11.3", 8200), torch.version.cuda
assert (torchvision.__version__, numpy.__version__) == ("0.11.2+cu113", "1.21.5")
END
echo "verified: jan-2022-cu113"

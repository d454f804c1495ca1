# Runs inside the image: docker run --rm -i IMAGE sh < verify.sh
set -eu
test "$(python --version)" = "Python 3.12.7"
test "$(id -u)" != 0
python - <<'END'
import sklearn, numpy, pandas, scipy
versions = (sklearn.__version__, numpy.__version__, pandas.__version__, scipy.__version__)
assert versions == ("1.5.2", "2.1.1", "2.2.3", "1.14.1"), versions
END
echo "verified: plain-scikit-learn"

"""What one interpreter knows of itself, as one JSON object on standard output.

Standard library only, CPython 3.6 and later, nothing else of ours: it runs in any interpreter and installs nothing
there. It imports none of the packages it records. The object has the keys of environment.json
(docs/environment-json.md), except the name of the recorder. Whatever is unknown is left out.

It lies here as modules that import each other by relative names, and runs in three ways: in this process
(``record.probe``); in another interpreter of this machine, which loads the modules from this folder under the name of
``reprobuild_probe`` and keeps their bytecode (``capture.interpreter``); and as one text (``text``) on standard input
or after ``-c``, on other machines and in images. Modules are loaded when they are needed, and little of the standard
library is: starting an interpreter and loading ``re`` or ``json`` takes longer than reading a hundred packages.
"""

import os

FOLDER = os.path.dirname(os.path.abspath(__file__))
"""Where the modules lie."""

NAME = "reprobuild_probe"
"""What the package is called in interpreters that know nothing of us."""

_BUNDLE = """\
import sys
if sys.version_info < (3, 6):  # Valid Python 2, so that an old interpreter can say how old it is.
    sys.stdout.write("reprobuild: too old: %d.%d.%d" % sys.version_info[:3])
    sys.exit(0)
if not (sys.flags.isolated or getattr(sys.flags, "safe_path", False)):
    sys.path.pop(0)  # The folder we were started in is not part of the environment; pip removes it too.
class Sources:
    texts = {texts!r}
    def find_spec(self, name, path=None, target=None):
        return type(sys.__spec__)(name, self, is_package=not self.texts[name]) if name in self.texts else None
    def create_module(self, spec):
        return None
    def exec_module(self, module):
        exec(compile(self.texts[module.__name__], "<" + module.__name__ + ">", "exec"), module.__dict__)
sys.meta_path.insert(0, Sources())
from {name}.record import main
sys.exit(main(sys.argv[1:]))
"""


def text() -> "str":
    """The probe as one text: Python source that holds the sources of all modules, and loads them from itself."""
    texts = {NAME: ""}
    for name in sorted(os.listdir(FOLDER)):
        stem, extension = os.path.splitext(name)
        if extension == ".py" and stem != "__init__":
            with open(os.path.join(FOLDER, name), encoding="utf-8") as stream:
                texts[NAME + "." + stem] = stream.read()
    return _BUNDLE.format(texts=texts, name=NAME)

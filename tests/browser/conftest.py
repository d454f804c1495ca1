"""The browser's fixtures, for these tests; those of the lab share them."""

from tests.browser.chromium import browser as browser
from tests.browser.chromium import opened as opened

"""How a plan, a proof and a comparison read for a person: text for a terminal, and pages for a browser. Pure."""

from reprobuild.report.text import comparison_text, describe, differences, printable, proof_text

__all__ = ["comparison_text", "describe", "differences", "printable", "proof_text"]

"""The numbers of a run: read from what it wrote, compared step by step with another run's, and explained.

``read`` opens files; everything else is pure. Layer: above ``records`` and ``compare``, below ``replay``.
"""

"""The evaluator as a 64-bit Arm program: its own tests, and what a network answers there beside what it answers here.

The folder that EDGEPRESS_TEST_ARM64 names holds such a Python (`fakes.arm64_machine`, ``make test-arm64``).
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fakes.arm64_machine import make

ROOT = Path(__file__).parents[2]
NAMED = os.environ.get("EDGEPRESS_TEST_ARM64")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not NAMED, reason="EDGEPRESS_TEST_ARM64 names no folder for an Arm Python; left out"),
]
IMAGES = 300
INTEGER_MODELS = ("tiny_int8", "tiny_uint8", "tiny_int16")

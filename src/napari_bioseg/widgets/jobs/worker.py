"""Work in threads: long jobs, and live work where the newest wins."""

from __future__ import annotations

from .job import Job, JobState
from .latest import Latest
from .notices import notify

__all__ = ["Job", "JobState", "Latest", "notify"]

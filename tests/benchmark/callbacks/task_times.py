"""Write the seconds and the CPU seconds from the start of each task to that of the next one to the file that TASK_TIMES names."""

from __future__ import annotations

import json
import os
import resource
import time
from itertools import pairwise

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: task_times
type: notification
short_description: Seconds of each task
description: [For the benchmark of this collection.]
"""


def cpu(who):
    used = resource.getrusage(who)
    return used.ru_utime + used.ru_stime


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "task_times"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self):
        super().__init__()
        self.marks = []
        self._mark("start of Ansible")

    def _mark(self, task):
        self.marks.append((task, time.time(), cpu(resource.RUSAGE_SELF), cpu(resource.RUSAGE_CHILDREN)))

    def v2_playbook_on_task_start(self, task, is_conditional):
        self._mark(task.get_name())

    def v2_playbook_on_stats(self, stats):
        self._mark("end")
        tasks = [
            [here[0], *(after - before for before, after in zip(here[1:], then[1:], strict=True))]
            for here, then in pairwise(self.marks)
        ]
        with open(os.environ["TASK_TIMES"], "w", encoding="utf-8") as file:
            json.dump(tasks, file)
